/* Replaces the random numbers and the date of the system by constants, because with them two runs of a fuzz target
   differ in coverage: the standard library takes the keys of its hash tables from random numbers, and the service writes
   the date. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

ssize_t getrandom(void *buffer, size_t size, unsigned int flags) {
    (void)flags;
    memset(buffer, 1, size);
    return (ssize_t)size;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock != CLOCK_REALTIME)
        return (int)syscall(SYS_clock_gettime, clock, time);
    *time = (struct timespec){.tv_sec = 1795400000};
    return 0;
}
