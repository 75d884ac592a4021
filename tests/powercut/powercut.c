/*
 * A file-system layer that remembers what was not synced, so that a test can take it away.
 *
 * Loaded into a process by LD_PRELOAD. Every change below POWERCUT_ROOT is written to a journal before it is made (the
 * bytes that were there, the length that was) or just after (names). fsync and fdatasync reach no disk: they are entries
 * of the journal, which makes a thousand cuts a matter of minutes. What the journal says is read by
 * crates/testkit/src/powercut.rs after the process was killed; the README beside this file says what is modelled.
 *
 *   POWERCUT_ROOT   folder whose files are watched, absolute and without links
 *   POWERCUT_SIDE   folder for the journal and for files that lost their name; on the same file system as the root
 *   POWERCUT_LIE    optional: "files" or "folders", whose syncs then do nothing at all
 *   POWERCUT_SYNC_US  optional: how long a sync takes, in microseconds, as it would on a disk
 *
 * While the side folder holds a file "read-only", the root is a file system that was remounted read-only.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Entries of the journal; numbers are part of the format. */
enum kind {
    WRITE = 1,    /* inode, offset; data: the bytes that were there; size: the length that was; extent: bytes written */
    RESIZE = 2,   /* inode; size: the length that was; extent: the new one; data: the tail that was cut off */
    SYNC = 3,     /* inode of a file, or of a folder whose names are now kept; offset: as of this place in the journal */
    CREATE = 4,   /* folder; path */
    RENAME = 5,   /* folder of the old name; inode: folder of the new one; path, other; offset: 1 if a file was kept */
    UNLINK = 6,   /* folder; path; other: where the file was kept */
    LINK = 7,     /* folder; path */
    MKDIR = 8,    /* folder; path */
    RMDIR = 9,    /* folder; path */
    SYNC_ALL = 10
};

#define MAGIC 0x4b52435543525750ull

struct entry {
    uint64_t magic, kind, inode, folder, offset, size, extent, path_len, other_len, data_len;
};

/* Shared by every process under the layer. */
struct shared {
    _Atomic int state; /* 0 fresh, 1 being made, 2 ready */
    _Atomic uint64_t kept;
    pthread_mutex_t lock;
};

static struct shared *shared;
static int journal = -1;
static char root[PATH_MAX], side[PATH_MAX - 64], read_only_mark[PATH_MAX];
static size_t root_len;
static dev_t root_dev;
static int lie_files, lie_folders;
static unsigned sync_us;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define REAL(ret, name, ...) static ret (*real_##name)(__VA_ARGS__)
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, writev, int, const struct iovec *, int);
REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
REAL(int, ftruncate, int, off_t);
REAL(int, truncate, const char *, off_t);
REAL(int, fallocate, int, int, off_t, off_t);
REAL(int, fsync, int);
REAL(int, fdatasync, int);
REAL(int, openat, int, const char *, int, ...);
REAL(int, renameat2, int, const char *, int, const char *, unsigned);
REAL(int, unlinkat, int, const char *, int);
REAL(int, linkat, int, const char *, int, const char *, int);
REAL(int, mkdirat, int, const char *, mode_t);
REAL(int, rmdir, const char *);
REAL(void, sync, void);

static void die(const char *what) {
    dprintf(2, "powercut: %s: %s\n", what, strerror(errno));
    abort();
}

static void *find(const char *name) {
    void *f = dlsym(RTLD_NEXT, name);
    if (!f) die(name);
    return f;
}

static void share(void) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/shared", side);
    int fd = real_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || real_ftruncate(fd, 4096)) die(path);
    fchmod(fd, 0666); /* a program may start as one user and go on as another */
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED) die("mmap");
    close(fd);
    int fresh = 0;
    if (atomic_compare_exchange_strong(&shared->state, &fresh, 1)) {
        pthread_mutexattr_t a;
        pthread_mutexattr_init(&a);
        pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
        pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
        pthread_mutex_init(&shared->lock, &a);
        atomic_store(&shared->state, 2);
    }
    while (atomic_load(&shared->state) != 2) usleep(100);
}

static void start(void) {
#define FIND(name) real_##name = find(#name)
    FIND(write); FIND(writev); FIND(pwrite); FIND(pwritev); FIND(ftruncate); FIND(truncate); FIND(fallocate);
    FIND(fsync); FIND(fdatasync); FIND(openat); FIND(renameat2); FIND(unlinkat); FIND(linkat); FIND(mkdirat);
    FIND(rmdir); FIND(sync);
    const char *r = getenv("POWERCUT_ROOT"), *s = getenv("POWERCUT_SIDE"), *l = getenv("POWERCUT_LIE");
    struct stat st;
    if (!r || !s || stat(r, &st)) return; /* not under the layer */
    root_len = strlen(r);
    if (root_len >= sizeof root || strlen(s) >= sizeof side) die("too long a path");
    strcpy(root, r);
    strcpy(side, s);
    snprintf(read_only_mark, sizeof read_only_mark, "%s/read-only", side);
    root_dev = st.st_dev;
    lie_files = l && !strcmp(l, "files");
    lie_folders = l && !strcmp(l, "folders");
    const char *us = getenv("POWERCUT_SYNC_US");
    sync_us = us ? (unsigned)atoi(us) : 0;
    share();
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/journal", side);
    int fd = real_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0) die(path);
    fchmod(fd, 0666);
    journal = fcntl(fd, F_DUPFD_CLOEXEC, 700); /* out of the way of a process that closes what it does not know */
    if (journal < 0) die("journal");
    close(fd);
}

static int on(void) {
    pthread_once(&once, start);
    return journal >= 0;
}

static void lock(void) {
    if (pthread_mutex_lock(&shared->lock) == EOWNERDEAD) pthread_mutex_consistent(&shared->lock);
}
static void unlock(void) { pthread_mutex_unlock(&shared->lock); }

/* One entry in one write, so that a kill leaves at most its last entry torn, whose change was then not made. */
static void note(struct entry e, const char *path, const char *other, const void *data) {
    e.magic = MAGIC;
    e.path_len = path ? strlen(path) : 0;
    e.other_len = other ? strlen(other) : 0;
    struct iovec parts[] = {
        {&e, sizeof e}, {(void *)path, e.path_len}, {(void *)other, e.other_len}, {(void *)data, e.data_len}};
    size_t all = sizeof e + e.path_len + e.other_len + e.data_len;
    if (real_writev(journal, parts, 4) != (ssize_t)all) die("the journal cannot be written");
}

/* ---- paths ---- */

static int below(const char *path) {
    return !strncmp(path, root, root_len) && (path[root_len] == '/' || !path[root_len]);
}

static int path_of_fd(int fd, char *out) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    if (n < 0) return -1;
    out[n] = 0;
    return 0;
}

/* An absolute path for (folder, name), or -1 if it is not below the root. */
static int resolve(int at, const char *name, char *out) {
    while (name[0] == '.' && name[1] == '/') name += 2;
    if (name[0] == '/') {
        if (snprintf(out, PATH_MAX, "%s", name) >= PATH_MAX) return -1;
    } else {
        char base[PATH_MAX];
        if (at == AT_FDCWD ? !getcwd(base, sizeof base) : path_of_fd(at, base)) return -1;
        if (snprintf(out, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) return -1;
    }
    size_t n = strlen(out);
    while (n > 1 && out[n - 1] == '/') out[--n] = 0;
    return below(out) ? 0 : -1;
}

/* SQLite maps this one, keeps nothing in it that counts, and makes it anew. */
static int is_scratch(const char *path) {
    size_t n = strlen(path);
    return n > 4 && !strcmp(path + n - 4, "-shm");
}

static uint64_t folder_of(const char *path) {
    char base[PATH_MAX];
    strcpy(base, path);
    char *slash = strrchr(base, '/');
    if (slash) *slash = 0;
    struct stat st;
    return stat(base, &st) ? 0 : st.st_ino;
}

/* Whether fd is a watched file or folder; what was found out is remembered for each descriptor. */
#define KNOWN 1024
static _Atomic uint64_t known[KNOWN]; /* inode * 2 + watched */

static int watched(int fd, struct stat *st) {
    if (!on() || fd < 0 || fd == journal || fstat(fd, st) || st->st_dev != root_dev) return 0;
    if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode)) return 0;
    uint64_t mark = fd < KNOWN ? atomic_load(&known[fd]) : 0;
    if (mark >> 1 == st->st_ino) return mark & 1;
    char path[PATH_MAX];
    int yes = !path_of_fd(fd, path) && below(path) && !is_scratch(path);
    if (fd < KNOWN) atomic_store(&known[fd], st->st_ino << 1 | (uint64_t)yes);
    return yes;
}

/* Whether what is watched may not be changed now; says so in errno. */
static int refused(void) {
    int e = errno;
    int yes = !access(read_only_mark, F_OK);
    errno = yes ? EROFS : e;
    return yes;
}

/* ---- contents ---- */

/* Reads what is there, also through a descriptor that may only write. */
static size_t there(int fd, void *out, size_t len, off_t at) {
    size_t got = 0;
    int reader = fd;
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
        char link[40];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        reader = real_openat(AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
        if (reader < 0) die("reading what is overwritten");
    }
    while (got < len) {
        ssize_t n = pread(reader, (char *)out + got, len - got, at + (off_t)got);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += (size_t)n;
    }
    if (reader != fd) close(reader);
    return got;
}

/* Notes the bytes that a write of len bytes will replace. at < 0: where the descriptor stands. */
static void before_write(int fd, const struct stat *first, size_t len, off_t at) {
    struct stat st = *first;
    fstat(fd, &st);
    if (at < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? st.st_size : lseek(fd, 0, SEEK_CUR);
    size_t old = at >= st.st_size ? 0 : (size_t)(st.st_size - at);
    if (old > len) old = len;
    void *data = old ? malloc(old) : NULL;
    if (old && !data) die("memory");
    size_t got = old ? there(fd, data, old, at) : 0;
    note((struct entry){.kind = WRITE, .inode = st.st_ino, .offset = (uint64_t)at, .size = (uint64_t)st.st_size,
                        .extent = len, .data_len = got}, NULL, NULL, data);
    free(data);
}

/* Where the journal ends: what lies before is covered by a sync that begins now. */
static uint64_t here(void) {
    struct stat st;
    if (fstat(journal, &st)) die("the journal");
    return (uint64_t)st.st_size;
}

static void after_write(int fd, const struct stat *st) {
    if (fcntl(fd, F_GETFL) & O_DSYNC && !lie_files)
        note((struct entry){.kind = SYNC, .inode = st->st_ino, .offset = here()}, NULL, NULL, NULL);
}

static size_t total(const struct iovec *v, int n) {
    size_t sum = 0;
    for (int i = 0; i < n; i++) sum += v[i].iov_len;
    return sum;
}

#define WRITING(fd, len, at, call)                                                                                     \
    struct stat st;                                                                                                    \
    if (!watched(fd, &st) || !S_ISREG(st.st_mode)) return call;                                                        \
    if (refused()) return -1;                                                                                          \
    lock();                                                                                                            \
    before_write(fd, &st, len, at);                                                                                    \
    ssize_t n = call;                                                                                                  \
    int e = errno;                                                                                                     \
    after_write(fd, &st);                                                                                              \
    unlock();                                                                                                          \
    errno = e;                                                                                                         \
    return n

ssize_t write(int fd, const void *b, size_t len) { on(); WRITING(fd, len, -1, real_write(fd, b, len)); }
ssize_t writev(int fd, const struct iovec *v, int c) { on(); WRITING(fd, total(v, c), -1, real_writev(fd, v, c)); }
ssize_t pwrite(int fd, const void *b, size_t len, off_t at) { on(); WRITING(fd, len, at, real_pwrite(fd, b, len, at)); }
ssize_t pwrite64(int fd, const void *b, size_t len, off_t at) { return pwrite(fd, b, len, at); }
ssize_t pwritev(int fd, const struct iovec *v, int c, off_t at) { on(); WRITING(fd, total(v, c), at, real_pwritev(fd, v, c, at)); }
ssize_t pwritev64(int fd, const struct iovec *v, int c, off_t at) { return pwritev(fd, v, c, at); }
ssize_t pwritev2(int fd, const struct iovec *v, int c, off_t at, int flags) {
    (void)flags;
    return at == -1 ? writev(fd, v, c) : pwritev(fd, v, c, at);
}

/* The kernel copies nothing past this layer: callers fall back to reading and writing. */
ssize_t copy_file_range(int in, off_t *oi, int out, off_t *oo, size_t n, unsigned f) {
    (void)in; (void)oi; (void)out; (void)oo; (void)n; (void)f;
    errno = EXDEV;
    return -1;
}
ssize_t sendfile(int out, int in, off_t *at, size_t n) {
    (void)out; (void)in; (void)at; (void)n;
    errno = EINVAL;
    return -1;
}
ssize_t sendfile64(int out, int in, off_t *at, size_t n) { return sendfile(out, in, at, n); }

static void before_resize(int fd, off_t to) {
    struct stat st;
    if (fstat(fd, &st) || st.st_size == to) return;
    size_t tail = st.st_size > to ? (size_t)(st.st_size - to) : 0;
    void *data = tail ? malloc(tail) : NULL;
    if (tail && !data) die("memory");
    size_t got = tail ? there(fd, data, tail, to) : 0;
    note((struct entry){.kind = RESIZE, .inode = st.st_ino, .size = (uint64_t)st.st_size, .extent = (uint64_t)to,
                        .data_len = got}, NULL, NULL, data);
    free(data);
}

int ftruncate(int fd, off_t to) {
    struct stat st;
    on();
    if (!watched(fd, &st)) return real_ftruncate(fd, to);
    if (refused()) return -1;
    lock();
    before_resize(fd, to);
    int r = real_ftruncate(fd, to), e = errno;
    unlock();
    errno = e;
    return r;
}
int ftruncate64(int fd, off_t to) { return ftruncate(fd, to); }
int truncate(const char *path, off_t to) {
    on();
    int fd = real_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return -1;
    int r = ftruncate(fd, to), e = errno;
    close(fd);
    errno = e;
    return r;
}
int truncate64(const char *path, off_t to) { return truncate(path, to); }

int fallocate(int fd, int mode, off_t at, off_t len) {
    struct stat st;
    on();
    if (!watched(fd, &st)) return real_fallocate(fd, mode, at, len);
    if (refused()) return -1;
    if (mode) { errno = EOPNOTSUPP; return -1; }
    return at + len > st.st_size ? ftruncate(fd, at + len) : 0;
}
int fallocate64(int fd, int mode, off_t at, off_t len) { return fallocate(fd, mode, at, len); }
int posix_fallocate(int fd, off_t at, off_t len) { return fallocate(fd, 0, at, len) ? errno : 0; }
int posix_fallocate64(int fd, off_t at, off_t len) { return posix_fallocate(fd, at, len); }

/* ---- syncs ---- */

/* Covers what was written before it began, once its time has passed. */
static void note_sync(enum kind kind, uint64_t inode) {
    lock();
    uint64_t before = here();
    unlock();
    if (sync_us) usleep(sync_us);
    lock();
    note((struct entry){.kind = kind, .inode = inode, .offset = before}, NULL, NULL, NULL);
    unlock();
}

static int synced(int fd, int (*otherwise)(int)) {
    struct stat st;
    if (!watched(fd, &st)) return otherwise(fd);
    if (refused()) return -1;
    if (S_ISDIR(st.st_mode) ? lie_folders : lie_files) return 0;
    note_sync(SYNC, st.st_ino);
    return 0;
}
int fsync(int fd) { on(); return synced(fd, real_fsync); }
int fdatasync(int fd) { on(); return synced(fd, real_fdatasync); }
static void all_synced(void) {
    if (lie_files || lie_folders) return;
    note_sync(SYNC_ALL, 0);
}
int syncfs(int fd) { (void)fd; if (on()) all_synced(); return 0; }
void sync(void) { if (on()) all_synced(); else real_sync(); }
/* Promises nothing about a power cut. */
int sync_file_range(int fd, off_t at, off_t len, unsigned flags) { (void)fd; (void)at; (void)len; (void)flags; return 0; }
int sync_file_range64(int fd, off_t at, off_t len, unsigned flags) { return sync_file_range(fd, at, len, flags); }
int msync(void *p, size_t n, int f) { (void)p; (void)n; (void)f; return 0; }

/* ---- names ---- */

/* A file system that is read-only opens for reading, also what O_CREAT finds there. */
static int may_open(const char *path, int flags) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC || (flags & O_TMPFILE) == O_TMPFILE;
    struct stat st;
    return !(writes || (flags & O_CREAT && lstat(path, &st))) || !refused();
}

static int opened(int at, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    int changes = flags & (O_CREAT | O_TRUNC);
    if (on() && (changes || (flags & O_ACCMODE) != O_RDONLY) && !resolve(at, name, path) && !may_open(path, flags))
        return -1;
    if (!on() || !changes || (flags & O_TMPFILE) == O_TMPFILE || resolve(at, name, path) || is_scratch(path))
        return real_openat(at, name, flags, mode);
    lock();
    struct stat st;
    int was = !lstat(path, &st);
    if (was && S_ISREG(st.st_mode) && flags & O_TRUNC && st.st_size) {
        int fd = real_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) { before_resize(fd, 0); close(fd); }
    }
    int fd = real_openat(at, name, flags, mode), e = errno;
    if (fd >= 0 && !was) note((struct entry){.kind = CREATE, .folder = folder_of(path)}, path, NULL, NULL);
    unlock();
    errno = e;
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, flags); mode = va_arg(a, mode_t); va_end(a); }

int open(const char *p, int flags, ...) { MODE(flags) on(); return opened(AT_FDCWD, p, flags, mode); }
int open64(const char *p, int flags, ...) { MODE(flags) on(); return opened(AT_FDCWD, p, flags | O_LARGEFILE, mode); }
int openat(int at, const char *p, int flags, ...) { MODE(flags) on(); return opened(at, p, flags, mode); }
int openat64(int at, const char *p, int flags, ...) { MODE(flags) on(); return opened(at, p, flags | O_LARGEFILE, mode); }
int creat(const char *p, mode_t mode) { on(); return opened(AT_FDCWD, p, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *p, mode_t mode) { return creat(p, mode); }

/* A second name in the side folder for a file that is about to lose its own. */
static int keep(const char *path, char *kept) {
    struct stat st;
    if (lstat(path, &st) || !S_ISREG(st.st_mode)) return 0;
    snprintf(kept, PATH_MAX, "%s/kept-%llu", side, (unsigned long long)atomic_fetch_add(&shared->kept, 1));
    if (real_linkat(AT_FDCWD, path, AT_FDCWD, kept, 0)) die("keeping a file that loses its name");
    return 1;
}

int renameat2(int fa, const char *from, int ta, const char *to, unsigned flags) {
    char a[PATH_MAX], b[PATH_MAX], kept[PATH_MAX] = "";
    if (!on() || resolve(fa, from, a) || resolve(ta, to, b)) return real_renameat2(fa, from, ta, to, flags);
    if (refused()) return -1;
    lock();
    int held = keep(b, kept);
    int r = real_renameat2(fa, from, ta, to, flags), e = errno;
    if (!r) {
        struct entry n = {.kind = RENAME, .folder = folder_of(a), .inode = folder_of(b), .offset = (uint64_t)held};
        n.data_len = held ? strlen(kept) : 0;
        note(n, a, b, kept);
    }
    unlock();
    errno = e;
    return r;
}
int renameat(int fa, const char *from, int ta, const char *to) { return renameat2(fa, from, ta, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int at, const char *name, int flags) {
    char path[PATH_MAX], kept[PATH_MAX] = "";
    if (!on() || resolve(at, name, path)) return real_unlinkat(at, name, flags);
    if (refused()) return -1;
    if (is_scratch(path)) return real_unlinkat(at, name, flags);
    lock();
    int held = flags & AT_REMOVEDIR ? 0 : keep(path, kept);
    int r = real_unlinkat(at, name, flags), e = errno;
    if (!r && flags & AT_REMOVEDIR) note((struct entry){.kind = RMDIR, .folder = folder_of(path)}, path, NULL, NULL);
    if (!r && held) note((struct entry){.kind = UNLINK, .folder = folder_of(path)}, path, kept, NULL);
    unlock();
    errno = e;
    return r;
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int linkat(int fa, const char *from, int ta, const char *to, int flags) {
    char path[PATH_MAX];
    if (!on() || resolve(ta, to, path)) return real_linkat(fa, from, ta, to, flags);
    if (refused()) return -1;
    lock();
    int r = real_linkat(fa, from, ta, to, flags), e = errno;
    if (!r) note((struct entry){.kind = LINK, .folder = folder_of(path)}, path, NULL, NULL);
    unlock();
    errno = e;
    return r;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int mkdirat(int at, const char *name, mode_t mode) {
    char path[PATH_MAX];
    if (!on() || resolve(at, name, path)) return real_mkdirat(at, name, mode);
    if (refused()) return -1;
    lock();
    int r = real_mkdirat(at, name, mode), e = errno;
    if (!r) note((struct entry){.kind = MKDIR, .folder = folder_of(path)}, path, NULL, NULL);
    unlock();
    errno = e;
    return r;
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }
