/* Loaded into retrovue-air by LD_PRELOAD: counts what the threads `encode` and `air` ask of the C
 * library, where Rust's allocations and those of the codecs arrive alike, and prints the counts at every
 * large write of the output, which is the measure of how far the session has come.
 *
 * Each line of the file named by RETROVUE_COUNTS: bytes written so far, allocations of encode, of air,
 * pthread mutexes locked by encode, by air. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern ssize_t __write(int, const void *, size_t);

enum { OTHER, ENCODE, AIR, KINDS };

static atomic_long allocations[KINDS], locks[KINDS];
static __thread int kind __attribute__((tls_model("initial-exec")));

/* A thread gets its name after its first allocations, so an unnamed one is asked again. */
static int this_thread(void) {
    if (kind == OTHER) {
        char name[16] = "";
        prctl(PR_GET_NAME, name);
        if (strcmp(name, "encode") == 0) kind = ENCODE;
        if (strcmp(name, "air") == 0) kind = AIR;
    }
    return kind;
}

/* Open before the program confines itself: it may write no file afterwards. */
static int report = -1;

__attribute__((constructor)) static void open_report(void) {
    report = open(getenv("RETROVUE_COUNTS"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static void count(void) { atomic_fetch_add(&allocations[this_thread()], 1); }

void *malloc(size_t size) { count(); return __libc_malloc(size); }
void *calloc(size_t n, size_t size) { count(); return __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { count(); return __libc_realloc(old, size); }
void *memalign(size_t align, size_t size) { count(); return __libc_memalign(align, size); }
void *aligned_alloc(size_t align, size_t size) { count(); return __libc_memalign(align, size); }
int posix_memalign(void **out, size_t align, size_t size) {
    count();
    *out = __libc_memalign(align, size);
    return *out ? 0 : ENOMEM;
}

int pthread_mutex_lock(pthread_mutex_t *mutex) {
    static int (*real)(pthread_mutex_t *);
    if (!real) real = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
    atomic_fetch_add(&locks[this_thread()], 1);
    return real(mutex);
}

ssize_t write(int fd, const void *data, size_t size) {
    static atomic_long written;
    ssize_t done = __write(fd, data, size);
    if (size >= 4096 && done > 0) {
        long total = atomic_fetch_add(&written, done) + done;
        char line[160];
        int length = snprintf(line, sizeof line, "%ld %ld %ld %ld %ld\n", total,
                              atomic_load(&allocations[ENCODE]), atomic_load(&allocations[AIR]),
                              atomic_load(&locks[ENCODE]), atomic_load(&locks[AIR]));
        __write(report, line, length);
    }
    return done;
}
