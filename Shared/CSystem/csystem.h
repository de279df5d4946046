// What Glibc's Swift module lacks. Never define _GNU_SOURCE here: it changes fd_set and breaks debug builds.
#pragma once
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <time.h>
#include <sys/syscall.h>
#include <unistd.h>

extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pipe2(int[2], int);

/// errno of this thread. Read it before any `await`.
static inline int csystem_errno(void) { return errno; }
static inline uint32_t csystem_epollet(void) { return (uint32_t)EPOLLET; }
static inline int csystem_wait_exited(int status) { return WIFEXITED(status); }
static inline int csystem_wait_code(int status) { return WEXITSTATUS(status); }
static inline int csystem_wait_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

/// A descriptor that becomes readable when the process ends (pidfd_open(2)).
static inline int csystem_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
static inline int csystem_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? flags : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}
static inline int csystem_set_cloexec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC); }
static inline int csystem_setsockopt_on(int fd, int level, int name) {
    int on = 1;
    return setsockopt(fd, level, name, &on, sizeof on);
}
static inline void csystem_unix_address(struct sockaddr_un *address, const char *path, size_t length) {
    address->sun_family = AF_UNIX;
    for (size_t i = 0; i < length && i < sizeof address->sun_path; i++) address->sun_path[i] = path[i];
}
static inline void csystem_name_thread(const char *name) { prctl(PR_SET_NAME, (unsigned long)name, 0, 0, 0); }
/// Raises the soft limit of open descriptors to the hard one and returns it; 0 where it cannot be read.
static inline uint64_t csystem_raise_open_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return (uint64_t)(setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before);
}
/// Sets the soft limit of open descriptors.
static inline int csystem_limit_open_files(uint64_t count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    limit.rlim_cur = (rlim_t)count;
    return setrlimit(RLIMIT_NOFILE, &limit);
}
static inline void csystem_set_errno(int value) { errno = value; }
extern char **environ;
static inline char **csystem_environ(void) { return environ; }
extern int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *, const char *);
static inline int csystem_spawn_chdir(posix_spawn_file_actions_t *actions, const char *path) {
    return posix_spawn_file_actions_addchdir_np(actions, path);
}
