/** Protocols of the kernel's objects (section 6 of the ABI notes) and the messages that the kernel itself sends. */
import { LABEL } from './labels.js';
import { op, type Protocol, protocol } from './types.js';

/** Fields of the exception frame that a trace shows; offsets of section 7.2. */
const FRAME = 'pc:addr@256 cause:cause@272 tval:addr@280 sp:addr@16 ra:addr@8';

export const KERNEL_PROTOCOLS: readonly Protocol[] = [
  protocol(LABEL.FACTORY, 'Factory', 'kernel', 'word', '6.1', [
    op(0, 'create gate', 'arguments:varargs', { items: 'thread?:S', gives: 'capability', rights: 'S' }),
    op(LABEL.KOBJECT, 'create gate', 'arguments:varargs', {
      items: 'thread?:S',
      gives: 'capability',
      rights: 'S',
    }),
    op(LABEL.TASK, 'create task', 'arguments:varargs', {
      reply: 'utcbArea:fpage?',
      gives: 'capability',
      rights: 'S',
    }),
    op(LABEL.THREAD, 'create thread', '', { gives: 'capability', rights: 'S' }),
    op(LABEL.FACTORY, 'create factory', 'arguments:varargs', { gives: 'capability', rights: 'S' }),
    op(LABEL.VM, 'create vm', '', { gives: 'capability', rights: 'S', note: 'needs the H extension' }),
    op(LABEL.IRQ_SENDER, 'create irq', '', { gives: 'capability', rights: 'S' }),
    op(LABEL.SEMAPHORE, 'create semaphore', '', { gives: 'capability', rights: 'S' }),
    op(LABEL.VCPU_CONTEXT, 'create vcpu context', '', {
      gives: 'capability',
      rights: 'S',
      note: 'not on riscv',
    }),
  ]),
  protocol(LABEL.TASK, 'Task', 'kernel', 'word', '6.2', [
    op(0, 'map', 'control:item page:fpage', { items: 'source', rights: 'W' }),
    op(1, 'unmap', 'mask:mask pages:fpages', { reply: 'pages:fpages@16' }),
    op(2, 'cap_info', 'cap:sel other:sel?', { note: 'label 1: valid, or equal' }),
    op(3, 'add_ku_mem', 'pages:fpages', { reply: 'pages:fpages@0' }),
  ]),
  protocol(LABEL.THREAD, 'Thread', 'kernel', 'low16', '6.3', [
    op(0, 'control', 'flags:control@0 pager:sel handler:sel alien:u64@32 utcb:addr', {
      items: 'task?:S',
      reply: 'pager:sel@8 handler:sel',
      rights: 'S',
    }),
    op(1, 'ex_regs', 'flags:exregs@0 ip:addr sp:addr', {
      reply: 'flags:exregs@0 ip:addr sp:addr',
      rights: 'S',
    }),
    op(2, 'switch'),
    op(3, 'stats', '', { reply: 'time:u64' }),
    op(4, 'vcpu_resume', '', { note: 'needs vCPU mode' }),
    op(5, 'register_del_irq', '', { items: 'irq:W' }),
    op(6, 'modify_senders', 'rules:words'),
    op(7, 'vcpu_control', 'state:addr'),
    op(8, 'doorbell_irq', '', { note: 'not on riscv' }),
    op(9, 'pf_trampoline', 'sub:pfsub@0 state:addr?', { reply: 'armed:u64?' }),
  ]),
  protocol(LABEL.SCHEDULER, 'Scheduler', 'kernel', 'word', '6.4', [
    op(0, 'info', 'cpus:cpuset', { reply: 'map:u64 maximum:u64 classes:u64' }),
    op(1, 'run_thread', 'cpus:cpuset map:u64 priority:i64 quantum:u64', { items: 'thread' }),
    op(2, 'idle_time', 'cpus:cpuset map:u64', { reply: 'time:u64' }),
  ]),
  protocol(LABEL.KOBJECT, 'Kobject', 'kernel', 'word', '6.5', [
    op(0, 'dec_refcnt', 'by:u64', { reply: 'count:u64', note: 'gate, server view' }),
    op(0x10, 'bind', 'label:addr', { items: 'thread:S', rights: 'S', note: 'gate (server view) or irq' }),
    op(0x11, 'get_info', '', { reply: 'label:addr', note: 'gate, server view' }),
  ]),
  protocol(LABEL.IRQ, 'Irq', 'kernel', 'word', '6.6, 6.8', [
    op(2, 'trigger', '', {
      oneWay: true,
      reply: 'features:u64? pins:u64? msis:u64?',
      note: 'also without words; semaphore: up; on an ICU: info',
    }),
    op(4, 'unmask', 'pin:u64? mask:addr?', { oneWay: true, note: 'irq: end of interrupt' }),
    op(0, 'icu bind', 'pin:u64', { items: 'irq:W' }),
    op(1, 'icu unbind', 'pin:u64', { items: 'irq' }),
    op(3, 'icu msi_info', 'pin:u64 source:u64', { reply: 'address:addr data:u64' }),
    op(5, 'icu mask', 'pin:u64 mask:addr?', { oneWay: true }),
    op(6, 'icu set_mode', 'pin:u64 mode:u64'),
  ]),
  protocol(LABEL.IRQ_SENDER, 'IrqSender', 'kernel', 'word', '6.6', [
    op(1, 'detach', '', { note: 'label 0 idle, 1 pending, 2 abandoned' }),
    op(2, 'bind_vcpu', '', { note: 'not on riscv' }),
  ]),
  protocol(LABEL.SEMAPHORE, 'Semaphore', 'kernel', 'word', '6.7', [op(0, 'down', '', { rights: 'S' })]),
  protocol(LABEL.LOG, 'Log', 'kernel', 'word', '6.9', [
    op(0, 'write', 'text:str', { oneWay: true }),
    op(1, 'read', 'maximum:readmax@0', { reply: 'count:u64', rights: 'W' }),
    op(2, 'set_attr', 'input:u64 output:u64 local:u64'),
    op(3, 'get_attr', '', { reply: 'input:u64@8 output:u64 local:u64' }),
  ]),
  protocol(LABEL.DEBUGGER, 'Debugger', 'kernel', 'low16', '6.10', [
    op(0x000, 'enter', 'text:text?'),
    op(0x001, 'outchar', 'char:u8'),
    op(0x002, 'outnstring', 'text:str'),
    op(0x003, 'outhex64', 'value:u64'),
    op(0x004, 'outhex32', 'value:u64'),
    op(0x005, 'outhex20', 'value:u64'),
    op(0x006, 'outhex16', 'value:u64'),
    op(0x007, 'outhex8', 'value:u64'),
    op(0x008, 'outdec', 'value:u64'),
    op(0x100, 'set_name', 'name:text', { items: 'object' }),
    op(0x101, 'global_id', '', { items: 'object', reply: 'id:u64' }),
    op(0x102, 'pointer_to_id', 'pointer:addr', { reply: 'id:u64' }),
    op(0x103, 'log_type_id', 'name:text'),
    op(0x104, 'log_switch', 'on:u64 name:text'),
    op(0x105, 'name_by_id', 'id:u64', { reply: 'name:text@8' }),
    op(0x106, 'log_name', 'index:u64', { reply: 'name:text@8' }),
    op(0x107, 'add_image_info', 'base:addr name:text', { items: 'object' }),
    op(0x108, 'get_name', '', { items: 'object', reply: 'name:text@8' }),
    op(0x110, 'object_info', 'cap:u64?', { items: 'object?' }),
  ]),
  protocol(LABEL.PAGE_FAULT, 'PageFault', 'kernel', 'none', '7.1', [
    op(0, 'fault', 'at:fault pc:addr', { gives: 'memory' }),
  ]),
  protocol(LABEL.EXCEPTION, 'Exception', 'kernel', 'none', '7.2', [op(0, 'exception', FRAME, { reply: '' })]),
];
