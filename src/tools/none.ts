/** The tool that does nothing: the program runs as it would on its own. */
import type { Tool } from './api.js';

const none: Tool = {
  name: 'none',
  title: 'Nulgrind, the minimal Valgrind tool',
  copyright: 'capgrind, after Valgrind by Nicholas Nethercote',
  atomicity: 'access',
  shadowScale: 0,
  findsErrors: false,
  options: {},
  create: () => ({}),
};
export default none;
