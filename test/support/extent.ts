/**
 * How much of the tests runs. `npm test` fits into two minutes on two processors; `npm run test:more`
 * (CAPGRIND_TEST_MORE) is what it leaves out, six minutes more; `npm run test:all` (CAPGRIND_TEST_ALL) is everything,
 * with long forms that take hours. A test of more than a second or two belongs to the usual run only if nothing else
 * there shows what it shows.
 */
import test, { type Implementation } from 'ava';
import { TEST_ALL } from './capgrind.js';

const MORE = Boolean(process.env['CAPGRIND_TEST_MORE']);

/** Whether a test runs now that belongs to the usual run, or does not. */
export const runsNow = (usual: boolean): boolean => TEST_ALL || usual !== MORE;

type Declare = (title: string, body: Implementation<unknown[]>) => void;
const declare = (usual: boolean): Declare =>
  runsNow(usual) ? (title, body) => test(title, body) : () => undefined;

/** `test` for the usual run, in files that have tests of both sorts. */
export const usual = declare(true);
/** `test` for what the usual run leaves out. */
export const more = declare(false);
