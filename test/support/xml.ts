/** A strict reader of small XML documents, for tests of what we write: no DTD, no CDATA, no processing beyond entities. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
// XML 1.0, production 2.
const CHARACTERS = /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u;

/** The root element. Throws Error where the document is not well-formed. */
export function parseXml(source: string): XmlElement {
  if (!CHARACTERS.test(source)) throw new Error('xml: a character that XML does not have');
  const body = source.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  if (body === source) throw new Error('xml: no declaration');
  const top: XmlElement = { name: '', attributes: {}, children: [], text: '' };
  const open = [top];
  const token = /<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  for (let at = 0; at < body.length; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(body);
    if (!found) throw new Error(`xml: not well-formed at ${body.slice(at, at + 60)}`);
    const [, slash, name, attributes, empty, text] = found;
    const parent = open.at(-1)!;
    if (text !== undefined) parent.text += plain(text);
    else if (slash) {
      if (parent.name !== name) throw new Error(`xml: </${name}> ends ${parent.name}`);
      open.pop();
    } else {
      const element = { name: name!, attributes: attributesOf(attributes!), children: [], text: '' };
      parent.children.push(element);
      if (!empty) open.push(element);
    }
  }
  if (open.length !== 1 || top.children.length !== 1 || top.text.trim() !== '')
    throw new Error('xml: not one root');
  return top.children[0]!;
}

function attributesOf(source: string): Record<string, string> {
  const found = [...source.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, n, v]) => [n!, plain(v!)] as const);
  if (new Set(found.map(([n]) => n)).size !== found.length) throw new Error(`xml: twice in ${source}`);
  return Object.fromEntries(found);
}

function plain(source: string): string {
  return source.replace(
    /&(?:#(\d+);|(\w+);)?/g,
    (whole, number: string | undefined, name: string | undefined) => {
      if (number !== undefined) return String.fromCodePoint(Number(number));
      const found = name === undefined ? undefined : ENTITIES[name];
      if (found === undefined) throw new Error(`xml: unknown entity ${whole}`);
      return found;
    },
  );
}
