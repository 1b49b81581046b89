/**
 * A reader for XML as reports have it, and the grammar of protocol 6 as valgrind-facts 4 states it: which elements an
 * element has, in which order and number.
 */

export class Node {
  readonly children: Node[] = [];
  text = '';

  constructor(readonly name: string) {}

  /** The children of a name. */
  all(name: string): Node[] {
    return this.children.filter((c) => c.name === name);
  }
}

/** Parses a document without attributes. Throws Error on what is not well-formed. Returns the root element. */
export function parseXml(text: string): Node {
  const top = new Node('');
  const open = [top];
  const token = /<!\[CDATA\[([\s\S]*?)\]\]>|<\?[^>]*\?>|<(\/?)([a-z_A-Z]\w*)>|([^<]+)|(<)/g;
  for (const [, cdata, slash, name, chars, stray] of text.matchAll(token)) {
    const at = open[open.length - 1]!;
    if (stray !== undefined) throw new Error(`stray < in ${at.name}`);
    if (cdata !== undefined) at.text += cdata;
    else if (chars !== undefined) at.text += plain(chars);
    else if (name === undefined) continue;
    else if (slash === '') {
      const node = new Node(name);
      at.children.push(node);
      open.push(node);
    } else if (open.length > 1 && at.name === name) open.pop();
    else throw new Error(`</${name}> in <${at.name}>`);
  }
  if (open.length !== 1) throw new Error(`<${open[open.length - 1]!.name}> is not closed`);
  if (top.children.length !== 1) throw new Error('not one root element');
  return top.children[0]!;
}

function plain(chars: string): string {
  return chars.replace(/&(\w*);?/g, (whole, name: string) => {
    const c = { amp: '&', lt: '<', gt: '>' }[name];
    if (c === undefined || !whole.endsWith(';')) throw new Error(`bad reference ${whole}`);
    return c;
  });
}

/** Text of the first element on a path of names below a node. */
export function textOf(node: Node, path: string): string {
  let at: Node | undefined = node;
  for (const name of path.split('/')) at = at?.all(name)[0];
  if (at === undefined) throw new Error(`no ${path} in ${node.name}`);
  return at.text;
}

/** Element names with `?`, `*`, `+` and alternatives, as regular expressions over `name ` sequences. */
const GRAMMAR: Record<string, RegExp> = {
  valgrindoutput:
    /^protocolversion protocoltool preamble pid ppid tool (logfilequalifier )*(usercomment )?args status (announcethread |error |clientmsg |fatal_signal )*status (announcethread |error )*(errorcounts )(suppcounts error_summary )?$/,
  preamble: /^(line ){4,}$/,
  logfilequalifier: /^var value $/,
  args: /^vargv argv $/,
  vargv: /^exe (arg )*$/,
  argv: /^exe (arg )*$/,
  status: /^state time $/,
  announcethread: /^hthreadid (isrootthread |stack )$/,
  error:
    /^unique tid (threadname )?kind (what |xwhat )(what )?(stack )?(auxwhat |xauxwhat |stack )*(suppression )?$/,
  xwhat: /^text (hthreadid |leakedbytes |leakedblocks )+$/,
  xauxwhat: /^text (hthreadid )+$/,
  stack: /^(frame )+$/,
  frame: /^ip (obj )?(fn )?(dir )?(file )?(line )?$/,
  suppression: /^sname skind (skaux )?(sframe )+rawtext $/,
  sframe: /^(obj |fun )$/,
  clientmsg: /^tid (threadname )?text (stack )?$/,
  fatal_signal: /^tid (threadname )?signo signame sicode (event )?(siaddr )?stack $/,
  errorcounts: /^(pair )*$/,
  suppcounts: /^(pair )*$/,
  pair: /^count (unique |name )$/,
  error_summary: /^errors error_contexts suppressed suppressed_contexts $/,
};

/** What the text of an element must look like. */
const TEXTS: Record<string, RegExp> = {
  protocolversion: /^6$/,
  pid: /^\d+$/,
  ppid: /^\d+$/,
  tid: /^\d+$/,
  hthreadid: /^[1-9]\d*$/,
  state: /^(RUNNING|FINISHED)$/,
  time: /^\d\d:\d\d:\d\d:\d\d\.\d{3} $/,
  unique: /^0x[0-9a-f]+$/,
  ip: /^0x[0-9A-F]+$/,
  siaddr: /^0x[0-9A-F]+$/,
  line: /./,
  count: /^[1-9]\d*$/,
  kind: /^\w+$/,
};

/** Everything in a document that the protocol does not allow, in words. */
export function checkProtocol(text: string): string[] {
  const wrong: string[] = [];
  const check = (node: Node): void => {
    // What a user comment holds is the user's.
    if (node.name === 'usercomment') return;
    const inside = node.children.map((c) => `${c.name} `).join('');
    const rule = GRAMMAR[node.name];
    if (rule ? !rule.test(inside) : inside !== '') wrong.push(`<${node.name}> holds: ${inside}`);
    if (rule && node.text.trim() !== '') wrong.push(`<${node.name}> holds text: ${node.text.trim()}`);
    const shape = TEXTS[node.name];
    if (shape && !rule && !shape.test(node.text)) wrong.push(`<${node.name}> is ${node.text}`);
    for (const c of node.children) check(c);
  };
  try {
    if (!text.startsWith('<?xml version="1.0"?>\n')) wrong.push('no XML declaration');
    const root = parseXml(text);
    if (root.name !== 'valgrindoutput') wrong.push(`root is <${root.name}>`);
    check(root);
  } catch (error) {
    wrong.push((error as Error).message);
  }
  return wrong;
}
