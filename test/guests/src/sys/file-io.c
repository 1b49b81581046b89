/* file-io DIR: files in an empty folder that the caller provides and removes. */
#include "mini.h"

enum { AT_FDCWD = -100, AT_REMOVEDIR = 0x200, AT_SYMLINK_NOFOLLOW = 0x100 };
enum { O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0100, O_EXCL = 0200, O_TRUNC = 01000, O_APPEND = 02000, O_DIRECTORY = 0200000 };

struct stat { /* riscv64 (asm-generic) layout */
  u64 dev, ino;
  u32 mode, nlink, uid, gid;
  u64 rdev, pad1;
  i64 size;
  i32 blksize, pad2;
  i64 blocks, times[6];
  u32 unused[2];
};
struct iovec { void *base; u64 size; };

static char folder[256];

static const char *in(const char *name) {
  static char path[4][300];
  static int turn;
  char *p = path[turn++ % 4], *start = p;
  for (const char *s = folder; *s;) *p++ = *s++;
  *p++ = '/';
  while ((*p++ = *name++)) {
  }
  return start;
}

static int names_in_folder(void) {
  static u8 buffer[2048] __attribute__((aligned(8)));
  long fd = sys(SYS_openat, AT_FDCWD, folder, O_DIRECTORY), got;
  CHECK(fd >= 0);
  int count = 0;
  while ((got = sys(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
    for (long at = 0; at < got; at += *(u16 *)(buffer + at + 16)) {
      const char *name = (const char *)buffer + at + 19;
      if (!same(name, ".") && !same(name, "..")) count++;
    }
  EQUAL(got, 0);
  sys(SYS_close, fd);
  return count;
}

int guest(int argc, char **argv, char **envp, u64 *auxv) {
  (void)envp, (void)auxv;
  if (argc < 2 || length(argv[1]) >= sizeof folder) return 2;
  for (u64 i = 0; i <= length(argv[1]); i++) folder[i] = argv[1][i];
  static char text[64];
  struct stat st;

  section("create");
  EQUAL(names_in_folder(), 0);
  EQUAL(sys(SYS_openat, AT_FDCWD, in("a"), O_RDWR), -ENOENT);
  long fd = sys(SYS_openat, AT_FDCWD, in("a"), O_RDWR | O_CREAT | O_EXCL, 0640);
  CHECK(fd > 2);
  EQUAL(sys(SYS_openat, AT_FDCWD, in("a"), O_RDWR | O_CREAT | O_EXCL, 0640), -EEXIST);
  EQUAL(names_in_folder(), 1);

  section("write and read");
  EQUAL(sys(SYS_write, fd, "0123456789", 10), 10);
  EQUAL(sys(SYS_lseek, fd, 0, 1), 10);
  EQUAL(sys(SYS_read, fd, text, 10), 0);
  EQUAL(sys(SYS_lseek, fd, 3, 0), 3);
  EQUAL(sys(SYS_read, fd, text, 4), 4);
  CHECK(same(text, "3456"));
  EQUAL(sys(SYS_lseek, fd, -2, 2), 8);
  EQUAL(sys(SYS_read, fd, text, 64), 2);
  EQUAL(sys(SYS_lseek, fd, -1, 0), -EINVAL);
  EQUAL(sys(SYS_pwrite64, fd, "XY", 2, 4), 2);
  EQUAL(sys(SYS_pread64, fd, text, 10, 0), 10);
  text[10] = 0;
  CHECK(same(text, "0123XY6789"));
  EQUAL(sys(SYS_lseek, fd, 0, 1), 10); /* pread and pwrite leave the position alone */

  section("vectors");
  char one[4] = "ab", two[4] = "cde";
  struct iovec v[2] = {{one, 2}, {two, 3}};
  EQUAL(sys(SYS_writev, fd, v, 2), 5);
  EQUAL(sys(SYS_lseek, fd, 10, 0), 10);
  v[0].size = 1;
  EQUAL(sys(SYS_readv, fd, v, 2), 4);
  CHECK(one[0] == 'a' && two[0] == 'b' && two[1] == 'c' && two[2] == 'd');

  section("stat");
  EQUAL(sys(SYS_fstat, fd, &st), 0);
  EQUAL(st.size, 15);
  EQUAL(st.mode & 0170000, 0100000);
  EQUAL(st.nlink, 1);
  u64 ino = st.ino;
  EQUAL(sys(SYS_newfstatat, AT_FDCWD, in("a"), &st, 0), 0);
  CHECK(st.ino == ino && st.size == 15);
  EQUAL(sys(SYS_ftruncate, fd, 100), 0);
  EQUAL(sys(SYS_fstat, fd, &st), 0);
  EQUAL(st.size, 100);
  EQUAL(sys(SYS_pread64, fd, text, 1, 99), 1);
  EQUAL(text[0], 0);

  section("append");
  EQUAL(sys(SYS_close, fd), 0);
  EQUAL(sys(SYS_close, fd), -EBADF);
  EQUAL(sys(SYS_write, fd, "x", 1), -EBADF);
  fd = sys(SYS_openat, AT_FDCWD, in("a"), O_WRONLY | O_TRUNC | O_APPEND);
  EQUAL(sys(SYS_write, fd, "first", 5), 5);
  EQUAL(sys(SYS_lseek, fd, 0, 0), 0);
  EQUAL(sys(SYS_write, fd, "second", 6), 6);
  EQUAL(sys(SYS_fstat, fd, &st), 0);
  EQUAL(st.size, 11);
  EQUAL(sys(SYS_read, fd, text, 1), -EBADF); /* opened for writing only */
  sys(SYS_close, fd);

  section("links");
  EQUAL(sys(SYS_symlinkat, "a", AT_FDCWD, in("link")), 0);
  EQUAL(sys(SYS_readlinkat, AT_FDCWD, in("link"), text, 64), 1);
  EQUAL(text[0], 'a');
  EQUAL(sys(SYS_newfstatat, AT_FDCWD, in("link"), &st, 0), 0);
  EQUAL(st.ino, ino);
  EQUAL(sys(SYS_newfstatat, AT_FDCWD, in("link"), &st, AT_SYMLINK_NOFOLLOW), 0);
  EQUAL(st.mode & 0170000, 0120000);
  EQUAL(sys(SYS_readlinkat, AT_FDCWD, in("a"), text, 64), -EINVAL);

  section("folders");
  EQUAL(sys(SYS_mkdirat, AT_FDCWD, in("d"), 0755), 0);
  EQUAL(sys(SYS_mkdirat, AT_FDCWD, in("d"), 0755), -EEXIST);
  EQUAL(sys(SYS_openat, AT_FDCWD, in("a/b"), 0), -ENOTDIR);
  EQUAL(names_in_folder(), 3);
  EQUAL(sys(SYS_unlinkat, AT_FDCWD, in("d"), AT_REMOVEDIR), 0);

  section("unlink");
  EQUAL(sys(SYS_unlinkat, AT_FDCWD, in("a"), 0), 0);
  EQUAL(sys(SYS_unlinkat, AT_FDCWD, in("link"), 0), 0);
  EQUAL(sys(SYS_unlinkat, AT_FDCWD, in("a"), 0), -ENOENT);
  EQUAL(names_in_folder(), 0);

  section("bad pointers");
  EQUAL(sys(SYS_openat, AT_FDCWD, 8, 0), -EFAULT);
  EQUAL(sys(SYS_newfstatat, AT_FDCWD, folder, 8, 0), -EFAULT);

  section("pipe");
  i32 ends[2];
  EQUAL(sys(SYS_pipe2, ends, 0), 0);
  EQUAL(sys(SYS_write, ends[1], "pipe", 5), 5);
  EQUAL(sys(SYS_lseek, ends[0], 0, 1), -ESPIPE);
  EQUAL(sys(SYS_read, ends[0], text, 64), 5);
  CHECK(same(text, "pipe"));
  sys(SYS_close, ends[1]);
  EQUAL(sys(SYS_read, ends[0], text, 64), 0);
  return finish();
}
