/* Asks an agent of smartcard-dm, with nothing but sockets: lists the card's accounts, and verifies a message.
 *
 *   cc -std=c11 -Wall -Wextra -Werror -o agent_client agent_client.c
 *   ./agent_client SOCKET               the accounts, one ServerID on a line
 *   ./agent_client SOCKET MESSAGE       the verdict on a WBXML message that you hand over
 *
 * Exit: 0 done or authorized, 1 refused, 2 usage, 3 the agent or its card. docs/agent.md describes the calls.
 */
#define _GNU_SOURCE /* struct ucred */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { DONE = 0, REFUSED = 1, USAGE = 2, FAILED = 3 };
enum { ANSWER_OCTETS = 16 * 1024 * 1024, MESSAGE_OCTETS = 1024 * 1024, SECONDS = 30 };

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "agent_client: %s: %s\n", what, why);
    exit(FAILED);
}

/* Connects, and makes sure that the agent is this user's or root's before anything is sent. */
static int connected(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval bound = {.tv_sec = SECONDS};
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    int agent;

    if (strlen(path) >= sizeof address.sun_path)
        fail(path, "the path of a socket is shorter");
    strcpy(address.sun_path, path);
    agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (agent < 0 || connect(agent, (struct sockaddr *)&address, sizeof address) != 0)
        fail(path, strerror(errno));
    if (getsockopt(agent, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        fail(path, strerror(errno));
    if (peer.uid != getuid() && peer.uid != 0)
        fail(path, "the agent there is somebody else's");
    if (setsockopt(agent, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound) != 0
        || setsockopt(agent, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) != 0)
        fail(path, strerror(errno));
    return agent;
}

static void send_all(int agent, const char *octets, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(agent, octets, count, MSG_NOSIGNAL);
        if (sent < 0)
            fail("send", strerror(errno));
        octets += sent;
        count -= (size_t)sent;
    }
}

/* Returns everything the agent says until it hangs up, with a NUL behind it. */
static char *receive_all(int agent, size_t *count)
{
    char *octets = malloc(ANSWER_OCTETS + 1);
    ssize_t more;

    if (octets == NULL)
        fail("answer", "no memory");
    *count = 0;
    while ((more = recv(agent, octets + *count, ANSWER_OCTETS - *count, 0)) > 0)
        *count += (size_t)more;
    if (more < 0)
        fail("receive", strerror(errno));
    if (*count == ANSWER_OCTETS)
        fail("answer", "it is too large");
    octets[*count] = '\0';
    return octets;
}

/* Makes one request and returns the JSON of its answer, to be freed; *status is its HTTP status. */
static char *ask(const char *path, const char *head, const char *body, size_t body_octets, int *status)
{
    int agent = connected(path);
    char *octets, *json, *length;
    size_t count, json_octets;

    send_all(agent, head, strlen(head));
    send_all(agent, body, body_octets);
    octets = receive_all(agent, &count);
    close(agent);
    json = strstr(octets, "\r\n\r\n");
    if (json == NULL || sscanf(octets, "HTTP/1.1 %3d", status) != 1)
        fail(path, "what answers there is no agent, or does not serve this user");
    *json = '\0';
    json += 4;
    json_octets = count - (size_t)(json - octets);
    length = strcasestr(octets, "\r\ncontent-length:");
    /* An answer that was cut short is no answer. */
    if (length == NULL || strtoul(length + 17, NULL, 10) != json_octets)
        fail(path, "the answer broke off");
    memmove(octets, json, json_octets + 1);
    return octets;
}

/* Returns the text that the next member of this name has, as JSON spells it, and the place behind it. */
static const char *next_text(const char *json, const char *name, char *text, size_t room)
{
    char member[64];
    size_t used = 0;

    snprintf(member, sizeof member, "\"%s\":", name);
    while ((json = strstr(json, member)) != NULL) {
        json += strlen(member);
        json += strspn(json, " \t\r\n");
        if (*json != '"')
            continue; /* a member of the same name that is no text */
        for (json++; *json != '"' && *json != '\0' && used + 2 < room; json++) {
            if (*json == '\\' && json[1] != '\0')
                text[used++] = *json++;
            text[used++] = *json;
        }
        text[used] = '\0';
        return json;
    }
    return NULL;
}

static void check(int status, const char *json, const char *path)
{
    char code[64] = "", detail[1024] = "";

    if (status == 200)
        return;
    next_text(json, "code", code, sizeof code);
    next_text(json, "detail", detail, sizeof detail);
    fprintf(stderr, "agent_client: %s: %s (%s)\n", path, detail, code);
    exit(FAILED);
}

static int list(const char *path)
{
    static const char head[] = "GET /v1/accounts HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n";
    char server_id[1024];
    char *answer;
    const char *rest;
    int status = 0;

    rest = answer = ask(path, head, "", 0, &status);
    check(status, answer, path);
    while ((rest = next_text(rest, "server_id", server_id, sizeof server_id)) != NULL)
        puts(server_id);
    free(answer);
    return DONE;
}

static int verify(const char *path, const char *name)
{
    char *message = malloc(MESSAGE_OCTETS + 1);
    char head[512], verdict[64] = "", detail[4096] = "";
    FILE *file = fopen(name, "rb");
    char *json;
    size_t count;
    int status = 0;

    if (file == NULL || message == NULL) {
        fprintf(stderr, "agent_client: %s: %s\n", name, strerror(errno));
        return USAGE;
    }
    count = fread(message, 1, MESSAGE_OCTETS + 1, file);
    if (ferror(file) || count > MESSAGE_OCTETS) {
        fprintf(stderr, "agent_client: %s: it cannot be read, or is too large\n", name);
        return USAGE;
    }
    fclose(file);
    snprintf(head, sizeof head,
             "POST /v1/verify?transport=local HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n"
             "Content-Type: application/vnd.syncml.dm+wbxml\r\nContent-Length: %zu\r\n\r\n",
             count);
    json = ask(path, head, message, count, &status);
    free(message);
    check(status, json, path);
    next_text(json, "verdict", verdict, sizeof verdict);
    next_text(json, "detail", detail, sizeof detail);
    free(json);
    printf("%s: %s\n", verdict, detail);
    return strcmp(verdict, "authorized") == 0 ? DONE : REFUSED;
}

int main(int count, char **arguments)
{
    if (count == 2)
        return list(arguments[1]);
    if (count == 3)
        return verify(arguments[1], arguments[2]);
    fprintf(stderr, "usage: agent_client SOCKET [MESSAGE]\n");
    return USAGE;
}
