/** Protocols of L4Re's servers (sections 9.2, 10 and 11 of the ABI notes). */
import { LABEL } from './labels.js';
import { op, type Protocol, protocol } from './types.js';

export const SERVICE_PROTOCOLS: readonly Protocol[] = [
  protocol(LABEL.SIGMA0, 'Sigma0', 'service', 'low8', '9.2', [
    op(0x60, 'map_ram', 'page:fpage', { gives: 'memory' }),
    op(0x70, 'map_io', 'page:fpage', { gives: 'memory' }),
    op(0x80, 'map_io_cached', 'page:fpage', { gives: 'memory' }),
    op(0x90, 'map_any_ram', 'page:fpage', { gives: 'memory', note: '-12 when there is none of that order' }),
    op(0xa0, 'map_kip', '', { gives: 'memory' }),
    op(0xc0, 'dump'),
    op(0xe0, 'coverage'),
  ]),
  protocol(LABEL.META, 'Meta', 'service', 'u32', '10', [
    op(0, 'interfaces', '', { note: 'label: their number' }),
    op(1, 'interface', 'index:u64', { reply: 'protocol:proto name:str' }),
    op(2, 'supports', 'protocol:proto', { note: 'label 1: yes' }),
  ]),
  protocol(LABEL.DATASPACE, 'Dataspace', 'service', 'u32', '11.1', [
    op(0, 'map', 'offset:u64 spot:addr flags:ds', { gives: 'memory' }),
    op(1, 'clear', 'offset:u64 size:u64'),
    op(2, 'info', '', { reply: 'size:u64 flags:ds' }),
    op(3, 'copy_in', 'to:u64 from:u64 size:u64', { items: 'source' }),
    op(4, 'allocate', 'offset:u64 size:u64'),
    op(5, 'map_info', '', { note: 'without MMU only' }),
  ]),
  protocol(LABEL.NAMESPACE, 'Namespace', 'service', 'u32', '11.4', [
    op(0, 'query', 'name:str', { gives: 'capability', note: '-2 unknown, -11 not there yet' }),
    op(1, 'register_obj', 'flags:u32 name:str', { items: 'object?', rights: 'W' }),
    op(3, 'unlink', 'name:str', { rights: 'W' }),
  ]),
  protocol(LABEL.PARENT, 'Parent', 'service', 'u32', '11.5', [
    op(0, 'signal', 'signal:u64 value:u64', { note: 'signal 0 ends the program: no reply' }),
  ]),
  protocol(LABEL.RM, 'Rm', 'service', 'u32', '11.3', [
    op(0, 'attach', 'start:addr size:u64 flags:rm32 offset:u64 align:u8 client:sel name:str backing:u64?', {
      items: 'memory?',
      reply: 'start:addr',
    }),
    op(1, 'detach', 'at:addr size:u64 flags:detach32', {
      reply: 'start:addr size:u64 client:sel',
      note: 'label 0 detached, 1 kept, 2 split; 4 more to do, 8 unmapped',
    }),
    op(2, 'find', 'at:addr size:u64', { reply: 'start:addr size:u64 flags:rm32 offset:u64 client:sel' }),
    op(3, 'reserve_area', 'start:addr size:u64 flags:rm32 align:u8', { reply: 'start:addr' }),
    op(4, 'free_area', 'at:addr'),
    op(5, 'get_regions', 'from:addr', { reply: 'regions:words', note: 'label: number of records' }),
    op(6, 'get_areas', 'from:addr', { reply: 'areas:words', note: 'label: number of records' }),
    op(7, 'get_info', 'at:addr', { reply: 'name:str backing:u64?' }),
    op(8, 'add_rescue_jump', 'begin:addr end:addr rescue:addr'),
    op(9, 'remove_rescue_jump', 'at:addr'),
    op(10, 'page_in', 'from:addr to:addr rights:rights16', { reply: 'helper:addr', gives: 'memory' }),
  ]),
  protocol(LABEL.EVENT, 'Event', 'service', 'u32', '11.5', [
    op(0, 'get_buffer', '', { gives: 'capability' }),
    op(1, 'streams', '', { note: 'label: their number' }),
    op(2, 'stream_info', 'index:u32'),
  ]),
  protocol(LABEL.L4RE_DMA_SPACE, 'DmaSpace', 'service', 'u32', '11.5', [op(0, 'map'), op(1, 'unmap')]),
  protocol(LABEL.ITAS, 'Itas', 'service', 'u32', '11.5', [
    op(0, 'register_thread', 'utcb:addr', { items: 'parent thread' }),
    op(1, 'unregister_thread', '', { items: 'thread' }),
    op(2, 'sigaction'),
    op(3, 'sigaltstack'),
    op(4, 'sigprocmask'),
    op(5, 'sigpending'),
    op(6, 'setitimer'),
    op(7, 'getitimer'),
    op(8, 'raise'),
  ]),
  protocol(LABEL.MEM_ALLOC, 'MemAlloc', 'service', 'u32', '11.2', [
    op(0, 'info', '', { reply: 'quota:u64 used:u64 limit:u64 usedMemory:u64 free:u64' }),
  ]),
];

/**
 * What moe's factory makes beyond the kernel's (section 11.2): same label and layout as the kernel's factory. A name
 * space's factory of sigma0 gates and a scheduler proxy belong here too.
 */
export const SERVICE_FACTORY: Protocol = protocol(LABEL.FACTORY, 'Factory', 'service', 'word', '11.2', [
  op(LABEL.DATASPACE, 'create dataspace', 'arguments:varargs', {
    gives: 'capability',
    note: 'size, flags (1 contiguous, 2 pinned, 4 superpages, 8 fixed address), alignment',
  }),
  op(LABEL.NAMESPACE, 'create namespace', 'arguments:varargs', { gives: 'capability' }),
  op(LABEL.RM, 'create region manager', 'arguments:varargs', { gives: 'capability' }),
  op(LABEL.LOG, 'create log', 'arguments:varargs', { gives: 'capability', note: 'name, colour' }),
  op(LABEL.SCHEDULER, 'create scheduler proxy', 'arguments:varargs', { gives: 'capability' }),
  op(LABEL.L4RE_DMA_SPACE, 'create dma space', 'arguments:varargs', { gives: 'capability' }),
  op(LABEL.SIGMA0, 'create sigma0 gate', 'arguments:varargs', { gives: 'capability', note: 'section 9.2' }),
]);
