// What Glibc's Swift module lacks. Never define _GNU_SOURCE here: it changes fd_set and breaks debug builds.
#pragma once
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
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
#include <unistd.h>

extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pipe2(int[2], int);

/// errno of this thread. Read it before any `await`.
static inline int csystem_errno(void) { return errno; }
static inline uint32_t csystem_epollet(void) { return (uint32_t)EPOLLET; }
static inline int csystem_wait_exited(int status) { return WIFEXITED(status); }
static inline int csystem_wait_code(int status) { return WEXITSTATUS(status); }
static inline int csystem_wait_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
