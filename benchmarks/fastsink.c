/* A mail server that is faster than any sender: it answers commands and looks for the end of data, nothing else.
 * PIPELINING and CHUNKING. Usage: fastsink PORT [FILE]. It prints "ready", and at SIGTERM how many messages it took.
 * FILE is then the record of who got them: one octet for reader0@ or r0@, reader1@ …: how many that was. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 4096
#define ROOM (1 << 20)
#define READERS (1 << 24)

struct connection {
    int data;        /* within DATA */
    long chunk;      /* octets of a BDAT chunk still to come */
    int chunk_last;
    long reader;     /* of the message that is under way; -1: nobody whom the record knows */
    size_t length;
    char in[ROOM];
};

static struct connection *connections[MOST];
static volatile sig_atomic_t ended;
static long messages;
static unsigned char *record; /* of each reader; NULL: nobody asked for it */
static long last_reader = -1;

static void end(int signal) { (void)signal; ended = 1; }

static void add(char *out, size_t *n, const char *text) {
    size_t length = strlen(text);
    memcpy(out + *n, text, length);
    *n += length;
}

static void accepted(struct connection *c) {
    messages++;
    if (!record || c->reader < 0) return;
    if (record[c->reader] < 255) record[c->reader]++;
    if (c->reader > last_reader) last_reader = c->reader;
}

/* RCPT TO:<reader123@example.org>: 123 */
static long reader_of(const char *line, const char *eol) {
    const char *at = memchr(line, '<', (size_t)(eol - line));
    while (at && at < eol && *at != '@' && (*at < '0' || *at > '9')) at++;
    long number = at && at < eol && *at != '@' ? atol(at) : -1;
    return number < READERS ? number : -1;
}

static int serve(int fd, struct connection *c) {
    static char out[65536];
    size_t n = 0, at = 0;
    ssize_t got = recv(fd, c->in + c->length, ROOM - c->length, 0);
    if (got <= 0) return 0;
    c->length += (size_t)got;
    while (at < c->length && n < sizeof out - 512) {
        char *here = c->in + at;
        size_t left = c->length - at;
        if (c->chunk > 0) {
            size_t take = left < (size_t)c->chunk ? left : (size_t)c->chunk;
            c->chunk -= (long)take;
            at += take;
            if (c->chunk == 0) {
                if (c->chunk_last) accepted(c);
                add(out, &n, "250 2.0.0 Ok\r\n");
            }
            continue;
        }
        if (c->data) {
            char *found = memmem(here, left, "\r\n.\r\n", 5);
            if (!found) {
                if (left > 4) at = c->length - 4; /* the mark may be cut in two */
                break;
            }
            at = (size_t)(found - c->in) + 5;
            c->data = 0;
            accepted(c);
            add(out, &n, "250 2.0.0 Ok\r\n");
            continue;
        }
        char *eol = memchr(here, '\n', left);
        if (!eol) break;
        at = (size_t)(eol - c->in) + 1;
        switch (here[0] & ~0x20) { /* commands have no case */
        case 'E': add(out, &n, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-CHUNKING\r\n250 SIZE 100000000\r\n"); break;
        case 'D': c->data = 1; add(out, &n, "354 go on\r\n"); break;
        case 'B': c->chunk = atol(here + 5); c->chunk_last = memmem(here, (size_t)(eol - here), "LAST", 4) != NULL;
                  if (c->chunk == 0) { if (c->chunk_last) accepted(c); add(out, &n, "250 2.0.0 Ok\r\n"); } break;
        case 'R': if (record && (here[1] & ~0x20) == 'C') c->reader = reader_of(here, eol); add(out, &n, "250 2.0.0 Ok\r\n"); break;
        case 'Q': add(out, &n, "221 bye\r\n"); send(fd, out, n, MSG_NOSIGNAL); return 0;
        default: add(out, &n, "250 2.0.0 Ok\r\n");
        }
    }
    memmove(c->in, c->in + at, c->length - at);
    c->length -= at;
    if (n && send(fd, out, n, MSG_NOSIGNAL) < 0) return 0;
    return 1;
}

int main(int argc, char **argv) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argc > 1 ? argv[1] : "2526"))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 256)) { perror("fastsink"); return 1; }
    if (argc > 2) record = calloc(READERS, 1);
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGTERM, &action, NULL);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[64];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    puts("ready");
    fflush(stdout);
    while (!ended) {
        int number = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < number; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int client = accept(listener, NULL, NULL);
                if (client < 0 || client >= MOST) { if (client >= 0) close(client); continue; }
                setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                connections[client] = calloc(1, sizeof(struct connection));
                event.events = EPOLLIN; event.data.fd = client;
                epoll_ctl(poll, EPOLL_CTL_ADD, client, &event);
                send(client, "220 sink ESMTP\r\n", 16, MSG_NOSIGNAL);
            } else if (!serve(fd, connections[fd])) {
                close(fd);
                free(connections[fd]);
                connections[fd] = NULL;
            }
        }
    }
    if (record) {
        FILE *file = fopen(argv[2], "wb");
        if (!file || fwrite(record, 1, (size_t)(last_reader + 1), file) != (size_t)(last_reader + 1) || fclose(file)) {
            perror(argv[2]);
            return 1;
        }
    }
    printf("%ld\n", messages);
    return 0;
}
