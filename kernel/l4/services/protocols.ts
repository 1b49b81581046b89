/** Protocol numbers of L4Re's own services (fact sheet 11). */
export const PROTO = {
  dataspace: 0x4000,
  namespace: 0x4001,
  parent: 0x4002,
  rm: 0x4005,
  itas: 0x400a,
  memAlloc: 0x400b,
} as const;
