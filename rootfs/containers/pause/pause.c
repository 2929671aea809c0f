/*
 * The first process of every pod's sandbox: it holds the namespaces open, reaps what the pod's processes leave behind when they
 * share a PID namespace, and ends when it is told to.
 *
 * It has no C library: Debian's static one for cross compilers is another version than the plain one, so the image would depend on the
 * machine that built it. Signals are waited for, not handled: a blocked one is kept even where its default is to be ignored, and for the
 * first process of a namespace (kernel/signal.c, sig_ignored).
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* A system call: syscall(2) has the registers of each architecture. */
static long ask(long number, long first, long second, long third, long fourth) {
#if defined(__x86_64__)
    register long r10 __asm__("r10") = fourth;
    __asm__ volatile("syscall"
                     : "+a"(number)
                     : "D"(first), "S"(second), "d"(third), "r"(r10)
                     : "rcx", "r11", "memory");
    return number;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = first;
    register long x1 __asm__("x1") = second;
    register long x2 __asm__("x2") = third;
    register long x3 __asm__("x3") = fourth;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
#elif defined(__arm__)
    register long r7 __asm__("r7") = number;
    register long r0 __asm__("r0") = first;
    register long r1 __asm__("r1") = second;
    register long r2 __asm__("r2") = third;
    register long r3 __asm__("r3") = fourth;
    __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3) : "memory");
    return r0;
#else
#error "this architecture's registers are missing"
#endif
}

static void end(int status) {
    for (;;) {
        ask(SYS_exit_group, status, 0, 0, 0);
    }
}

/* The kernel's set of signals: 64 of them, whatever sigset_t is. */
static const unsigned long long awaited =
    1ULL << (SIGINT - 1) | 1ULL << (SIGTERM - 1) | 1ULL << (SIGCHLD - 1);

void _start(void) {
    if (ask(SYS_rt_sigprocmask, SIG_BLOCK, (long)&awaited, 0, sizeof awaited)) {
        end(1);
    }
    for (;;) {
        long received = ask(SYS_rt_sigtimedwait, (long)&awaited, 0, 0, sizeof awaited);
        if (received == SIGINT || received == SIGTERM) {
            end(0);
        }
        if (received < 0 && received != -EINTR) {
            end(1);
        }
        while (ask(SYS_wait4, -1, 0, WNOHANG, 0) > 0) {
        }
    }
}
