/* What the kernel alone takes to carry messages over loopback: one write and one read a message, over several
 * connections, the envelope of the next message behind the one before. A constant text, no ledger, no thought.
 * Usage: floor PORT CONNECTIONS MESSAGES OCTETS. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ENVELOPE "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"

int main(int argc, char **argv) {
    if (argc < 5) { fputs("usage: floor PORT CONNECTIONS MESSAGES OCTETS\n", stderr); return 2; }
    int connections = atoi(argv[2]), one = 1, room = 262144, poll = epoll_create1(0);
    long messages = atol(argv[3]), begun = 0, done = 0;
    size_t octets = (size_t)atol(argv[4]) / 78 * 78, length = octets + strlen(".\r\n" ENVELOPE);
    char *message = malloc(length + 1), in[65536];
    memset(message, 'x', octets);
    for (size_t at = 76; at < octets; at += 78) memcpy(message + at, "\r\n", 2);
    strcpy(message + octets, ".\r\n" ENVELOPE);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct epoll_event event = {.events = EPOLLIN}, events[64];
    for (int i = 0; i < connections; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) || recv(fd, in, sizeof in, 0) <= 0) { perror("floor"); return 1; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (send(fd, ENVELOPE, strlen(ENVELOPE), MSG_NOSIGNAL) < 0) { perror("floor"); return 1; }
        event.data.fd = fd;
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        done--; /* the first 354 of a connection answers no content */
    }
    while (done < messages) {
        int number = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < number; i++) {
            int fd = events[i].data.fd;
            ssize_t got = recv(fd, in, sizeof in, 0);
            if (got <= 0) { fputs("floor: the server closed a connection\n", stderr); return 1; }
            if (!memmem(in, (size_t)got, "354", 3)) continue;
            done++;
            if (begun == messages) continue;
            begun++;
            if (send(fd, message, length, MSG_NOSIGNAL) < 0) { perror("floor"); return 1; }
        }
    }
    return 0;
}
