/* Lets reads of one part of one file fail with EIO, as a bad sector or a lost network mount does.
 *
 * Loaded with LD_PRELOAD into the program under test. FAILING_READS_FILE names the file by the end of its path;
 * a read that touches an offset from FAILING_READS_FROM to FAILING_READS_TO (exclusive) fails. Everything else,
 * opening, seeking and stat included, is the C library's own work. The number of failed reads is appended to
 * FAILING_READS_LOG as one byte each, so that a test can tell one attempt from several.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Open before the program confines itself: it may write no file afterwards. */
static int log_fd = -1;

__attribute__((constructor)) static void open_log(void) {
    const char *log = getenv("FAILING_READS_LOG");
    if (log != NULL) log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

/* Whether descriptor `fd` is the named file: asked of the kernel, so that no open or dup is missed. */
static int is_named(int fd) {
    char link[64] = "/proc/self/fd/", path[4096], digits[12];
    const char *name = getenv("FAILING_READS_FILE");
    if (name == NULL || fd < 0) return 0;
    int n = 0;
    for (int rest = fd; n == 0 || rest > 0; rest /= 10) digits[n++] = (char)('0' + rest % 10);
    char *end = link + strlen(link);
    while (n > 0) *end++ = digits[--n];
    *end = 0;
    ssize_t length = readlink(link, path, sizeof path);
    size_t wanted = strlen(name);
    return length > 0 && (size_t)length >= wanted && memcmp(path + length - wanted, name, wanted) == 0;
}

static int fails(int fd, off_t at, size_t count) {
    const char *from = getenv("FAILING_READS_FROM"), *to = getenv("FAILING_READS_TO");
    if (from == NULL || to == NULL || !is_named(fd)) return 0;
    if (at >= atoll(to) || at + (off_t)count <= atoll(from)) return 0;
    if (write(log_fd, "!", 1) < 0) { /* The count is then short, and the test says so. */ }
    errno = EIO;
    return 1;
}

ssize_t read(int fd, void *buffer, size_t count) {
    static ssize_t (*real)(int, void *, size_t);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "read");
    if (fails(fd, lseek(fd, 0, SEEK_CUR), count)) return -1;
    return real(fd, buffer, count);
}

ssize_t pread(int fd, void *buffer, size_t count, off_t at) {
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pread");
    if (fails(fd, at, count)) return -1;
    return real(fd, buffer, count, at);
}

ssize_t pread64(int fd, void *buffer, size_t count, off_t at) { return pread(fd, buffer, count, at); }
