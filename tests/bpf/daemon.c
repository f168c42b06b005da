// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

char daemon_dir[64], daemon_pin_dir[64];
pid_t daemon_pid;

static char binary[PATH_MAX];

/* ---- the daemon ---- */
void daemon_run_command(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	CU_ASSERT_EQUAL(system(command), 0);
}

void daemon_write_config(void (*write_config)(FILE *to))
{
	char path[128];

	snprintf(path, sizeof(path), "%s/mtlb.yaml", daemon_dir);
	FILE *f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	write_config(f);
	fclose(f);
}

int daemon_connect(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = 60};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/s.sock", daemon_dir);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	close(fd);
	return -1;
}

pid_t daemon_spawn(const char *more_option)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	char config[96], state[96], sock[96], log[96];
	snprintf(config, sizeof(config), "%s/mtlb.yaml", daemon_dir);
	snprintf(state, sizeof(state), "%s/state", daemon_dir);
	snprintf(sock, sizeof(sock), "%s/s.sock", daemon_dir);
	snprintf(log, sizeof(log), "%s/log", daemon_dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	execl(binary, binary, "--config", config, "--tenants", "/nonexistent", "--state", state,
	      "--socket", sock, "--pin-dir", daemon_pin_dir, more_option, NULL);
	_exit(127);
}

/* For whoever reads why a test failed: does mtlbd run, how did it end, what did it say? */
static void explain_silence(void)
{
	int status;

	if (!daemon_pid)
		printf("     mtlbd was not started, or has ended\n");
	else if (waitpid(daemon_pid, &status, WNOHANG) != daemon_pid)
		printf("     mtlbd (pid %d) runs, but does not answer\n", (int)daemon_pid);
	else if (WIFSIGNALED(status))
		printf("     mtlbd was ended by signal %d\n", WTERMSIG(status));
	else
		printf("     mtlbd has ended with exit code %d\n", WEXITSTATUS(status));
	if (daemon_pid && kill(daemon_pid, 0))
		daemon_pid = 0;
	fflush(stdout);
	daemon_run_command("tail -n 20 %s/log", daemon_dir);
}

void daemon_start(void)
{
	daemon_pid = daemon_spawn(NULL);
	for (int i = 0; i < 1000; i++) {
		int fd = daemon_connect();
		if (fd >= 0) {
			close(fd);
			return;
		}
		siginfo_t ended = {};

		if (!waitid(P_PID, (id_t)daemon_pid, &ended, WEXITED | WNOHANG | WNOWAIT) &&
		    ended.si_pid)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	explain_silence();
	CU_FAIL_FATAL("mtlbd does not answer");
}

int daemon_stop(int number)
{
	int status = -1;

	kill(daemon_pid, number);
	waitpid(daemon_pid, &status, 0);
	daemon_pid = 0;
	return status;
}

void daemon_setup(void (*write_config)(FILE *to))
{
	strcpy(daemon_dir, "/tmp/mtlb-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(daemon_dir));
	snprintf(daemon_pin_dir, sizeof(daemon_pin_dir), "/sys/fs/bpf/mtlb-test-%d", getpid());
	daemon_write_config(write_config);
	daemon_start();
}

void daemon_teardown(void)
{
	int status;

	if (daemon_pid)
		CU_ASSERT_EQUAL(daemon_stop(SIGTERM), 0);
	waitpid(daemon_spawn("--unload"), &status, 0);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_NOT_EQUAL(access(daemon_pin_dir, F_OK), 0);
	daemon_run_command("rm -rf '%s'", daemon_dir);
}

/* ---- requests ---- */
void daemon_send(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

int daemon_ask(const char *method, const char *path, const char *body, json_t **out)
{
	static char answer[1 << 21];
	char head[512];
	size_t len = 0;
	int status = 0, fd = daemon_connect();

	if (fd < 0)
		explain_silence();
	CU_ASSERT_FATAL(fd >= 0);
	snprintf(head, sizeof(head),
		 "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
		 method, path, body ? strlen(body) : 0);
	daemon_send(fd, head, strlen(head));
	daemon_send(fd, body ? body : "", body ? strlen(body) : 0);
	for (ssize_t n; len < sizeof(answer) - 1 &&
			(n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0;)
		len += (size_t)n;
	close(fd);
	answer[len] = '\0';
	if (sscanf(answer, "HTTP/1.1 %d", &status) != 1)
		explain_silence();
	char *start_of_body = strstr(answer, "\r\n\r\n");
	if (out)
		*out = start_of_body ? json_loads(start_of_body + 4, 0, NULL) : NULL;
	return status;
}

const json_t *daemon_at(const json_t *json, const char *where)
{
	char copy[128], *rest = copy;

	snprintf(copy, sizeof(copy), "%s", where);
	for (char *part; json && (part = strsep(&rest, "."));)
		json = json_is_array(json) ? json_array_get(json, (size_t)atoi(part))
					   : json_object_get(json, part);
	return json;
}

const char *daemon_text(const json_t *json, const char *where)
{
	static char text[1024];
	const json_t *value = daemon_at(json, where);
	char *dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	snprintf(text, sizeof(text), "%s", dump ? dump : "nothing");
	free(dump);
	return text;
}

/* build/tests/bpf/test_x -> build/mtlbd */
static void find_binary(void)
{
	const char *given = getenv("MTLBD");
	ssize_t n = readlink("/proc/self/exe", binary, sizeof(binary) - 16);

	for (int i = 0; n > 0 && i < 3; i++) {
		binary[n] = '\0';
		char *slash = strrchr(binary, '/');
		n = slash ? slash - binary : 0;
	}
	if (n > 0)
		strcpy(binary + n, "/mtlbd");
	if (given)
		snprintf(binary, sizeof(binary), "%s", given);
}

void daemon_prepare(const char *suite, const char *command)
{
	find_binary();
	signal(SIGPIPE, SIG_IGN);
	if (unshare(CLONE_NEWNET) ||
	    system("mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf") ||
	    system(command)) {
		fprintf(stderr, "test_%s: needs root, veth and a BPF file system\n", suite);
		exit(1);
	}
}
