// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Questions to mtlbd over its socket, by libcurl. */
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/cleanup.h"

#define SOCKET_PATH "/run/mtlb/mtlbd.sock"

enum {
	TIMEOUT_S = 120,
	MESSAGE_MAX = 512
};

static void *must(void *p)
{
	if (!p) {
		fputs("mtlbctl: out of memory\n", stderr);
		exit(CLI_REFUSED);
	}
	return p;
}

/* ---- paths ---- */
static void append_escaped(FILE *to, const char *text)
{
	for (; *text; text++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-~",
			   *text))
			fputc(*text, to);
		else
			fprintf(to, "%%%02X", (unsigned char)*text);
}

char *client_path(const char *format, ...)
{
	char *path = NULL;
	size_t len;
	FILE *to = must(open_memstream(&path, &len));
	va_list args;

	va_start(args, format);
	for (; *format; format++)
		if (format[0] == '%' && format[1] == 's') {
			append_escaped(to, va_arg(args, const char *));
			format++;
		} else {
			fputc(*format, to);
		}
	va_end(args);
	fclose(to);
	return must(path);
}

/* ---- one request ---- */
const char *client_socket(const struct cli *c)
{
	const char *from_environment = getenv("MTLB_SOCKET");

	if (c->options[OPTION_SOCKET])
		return c->options[OPTION_SOCKET];
	return from_environment && *from_environment ? from_environment : SOCKET_PATH;
}

static size_t take(char *data, size_t size, size_t n, void *to)
{
	return fwrite(data, size, n, to) * size;
}

/* Why a change is made: --message, or else the command. Nothing where the API has a better text. */
static void write_message(FILE *to, const struct cli *c)
{
	const struct verb *v = c->verb;

	if (c->options[OPTION_MESSAGE]) {
		fputs(c->options[OPTION_MESSAGE], to);
		return;
	}
	if (!(v->options & OPT(MESSAGE)) || !strcmp(v->name, "restore"))
		return;
	fprintf(to, "%s %s", v->object, v->name);
	for (size_t i = 0; i < c->n_words; i++)
		fprintf(to, " %s", c->words[i]);
}

/* The line of a header: it must stay one line. NULL: there is no message. */
static char *message_line(const struct cli *c)
{
	char *line = NULL;
	size_t len;
	FILE *to = must(open_memstream(&line, &len));
	long empty = fprintf(to, "X-Mtlb-Message: ");

	write_message(to, c);
	fclose(to);
	must(line);
	if (len == (size_t)empty) {
		free(line);
		return NULL;
	}
	/* long ones are cut, not within a character */
	for (len = len < MESSAGE_MAX ? len : MESSAGE_MAX; (line[len] & 0xc0) == 0x80; len--)
		;
	line[len] = '\0';
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	return line;
}

static struct curl_slist *headers(const struct cli *c, const char *method, bool has_body)
{
	_cleanup_free_ char *line = strcmp(method, "GET") ? message_line(c) : NULL;
	struct curl_slist *list = NULL;

	if (has_body)
		list = curl_slist_append(list, "Content-Type: application/json");
	if (line)
		list = curl_slist_append(list, line);
	return curl_slist_append(list, "Expect:");
}

static char *url_of(const struct cli *c, const char *method, const char *path)
{
	const char *revision = strcmp(method, "GET") ? c->options[OPTION_REVISION] : NULL;
	_cleanup_free_ char *query = revision ? client_path("?revision=%s", revision) : NULL;
	char *url;

	if (asprintf(&url, "http://mtlbd%s%s", path, query ? query : "") < 0)
		must(NULL);
	return url;
}

static CURLcode perform(const struct cli *c, CURL *curl, const char *method, const char *path,
			const json_t *body, struct answer *a)
{
	FILE *to = must(open_memstream(&a->text, &a->len));
	_cleanup_free_ char *url = url_of(c, method, path);
	_cleanup_free_ char *out = body ? must(json_dumps(body, JSON_COMPACT)) : NULL;
	struct curl_slist *lines = headers(c, method, out != NULL);

	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client_socket(c));
	curl_easy_setopt(curl, CURLOPT_URL, url);
	/* a name "..", squashed, would mean the object above it */
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, to);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	if (out || !strcmp(method, "POST") || !strcmp(method, "PUT"))
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, out ? out : "");
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
	curl_slist_free_all(lines);
	fclose(to);
	return code;
}

void client_clear(struct answer *a)
{
	free(a->text);
	json_decref(a->json);
	memset(a, 0, sizeof(*a));
}

/* ---- what went wrong ---- */
static void explain_connection(const struct cli *c, long error)
{
	const char *path = client_socket(c);

	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		fprintf(stderr,
			"mtlbctl: no mtlbd listens on %s: start it (systemctl start mtlbd), or name its "
			"socket with --socket or MTLB_SOCKET\n",
			path);
		break;
	case EACCES:
	case EPERM:
		fprintf(stderr, "mtlbctl: %s may not be used by this user: run mtlbctl as root\n",
			path);
		break;
	default:
		fprintf(stderr, "mtlbctl: mtlbd cannot be reached on %s: %s\n", path,
			error ? strerror((int)error) : "is this its socket?");
	}
}

static bool is_path_of_socket(const char *path)
{
	return strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

static int explain_failure(const struct cli *c, CURL *curl, CURLcode code)
{
	long error = 0;

	if (!is_path_of_socket(client_socket(c))) {
		fprintf(stderr,
			"mtlbctl: %s is longer than the path of a socket can be: %zu bytes\n",
			client_socket(c), sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	} else if (code == CURLE_COULDNT_CONNECT) {
		curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
		/* curl does not tell the number for unix sockets of all versions */
		if (!error && access(client_socket(c), F_OK))
			error = errno;
		else if (!error)
			error = access(client_socket(c), W_OK) ? errno : ECONNREFUSED;
		explain_connection(c, error);
	} else if (code == CURLE_OPERATION_TIMEDOUT) {
		fprintf(stderr, "mtlbctl: mtlbd on %s did not answer for %d seconds\n",
			client_socket(c), TIMEOUT_S);
	} else if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
		   code == CURLE_SEND_ERROR) {
		fprintf(stderr,
			"mtlbctl: mtlbd on %s ended before it answered: see its log (journalctl -u mtlbd); "
			"whether the change was made, mtlbctl status tells when it runs again\n",
			client_socket(c));
	} else {
		fprintf(stderr, "mtlbctl: %s: %s\n", client_socket(c), curl_easy_strerror(code));
	}
	return CLI_NO_DAEMON;
}

static int explain_errors(const struct cli *c, const struct answer *a)
{
	const json_t *errors = json_object_get(a->json, "errors");
	const json_t *item;
	size_t at;

	if (c->options[OPTION_JSON])
		client_print_body(a);
	json_array_foreach (errors, at, item) {
		const char *where = json_string_value(json_object_get(item, "where"));
		const char *message = json_string_value(json_object_get(item, "message"));
		fprintf(stderr, "%s%s%s\n", where ? where : "", where && *where ? ": " : "",
			message ? message : "");
	}
	if (!json_array_size(errors))
		fprintf(stderr, "mtlbctl: mtlbd answered with status %ld\n", a->status);
	return CLI_REFUSED;
}

static int call(const struct cli *c, const char *method, const char *path, const json_t *body,
		struct answer *a, bool is_silent)
{
	CURL *curl = must(curl_easy_init());
	int result = CLI_OK;

	memset(a, 0, sizeof(*a));
	CURLcode code = perform(c, curl, method, path, body, a);
	if (code != CURLE_OK) {
		result = is_silent ? CLI_NO_DAEMON : explain_failure(c, curl, code);
	} else {
		a->json = json_loadb(a->text, a->len, JSON_ALLOW_NUL, NULL);
		if (a->status / 100 != 2)
			result = is_silent ? CLI_REFUSED : explain_errors(c, a);
	}
	if (result != CLI_OK)
		client_clear(a);
	curl_easy_cleanup(curl);
	return result;
}

int client_call(const struct cli *c, const char *method, const char *path, const json_t *body,
		struct answer *a)
{
	return call(c, method, path, body, a, false);
}

int client_try(const struct cli *c, const char *method, const char *path, const json_t *body,
	       struct answer *a)
{
	return call(c, method, path, body, a, true);
}

/* ---- the two usual ways ---- */
void client_print_body(const struct answer *a)
{
	fwrite(a->text, 1, a->len, stdout);
	if (!a->len || a->text[a->len - 1] != '\n')
		fputc('\n', stdout);
}

int client_show(const struct cli *c, char *path,
		void (*print)(const struct cli *c, const json_t *json))
{
	struct answer a;
	int error = client_call(c, "GET", path, NULL, &a);

	if (!error && c->options[OPTION_JSON])
		client_print_body(&a);
	else if (!error)
		print(c, a.json);
	if (!error)
		client_clear(&a);
	free(path);
	return error;
}

int client_change(const struct cli *c, const char *method, char *path, json_t *body,
		  const char *done, ...)
{
	struct answer a;
	va_list args;
	int error = client_call(c, method, path, body, &a);

	if (!error && c->options[OPTION_JSON]) {
		client_print_body(&a);
	} else if (!error) {
		va_start(args, done);
		vprintf(done, args);
		va_end(args);
		fputc('\n', stdout);
	}
	if (!error)
		client_clear(&a);
	json_decref(body);
	free(path);
	return error;
}
