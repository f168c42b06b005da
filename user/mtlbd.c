// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* mtlbd: options, start and stop. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/listen.h"
#include "api/server.h"
#include "daemon/control.h"
#include "daemon/lock.h"
#include "daemon/loop.h"
#include "daemon/notify.h"
#include "util/log.h"

enum action { ACTION_RUN, ACTION_CHECK, ACTION_UNLOAD, ACTION_DONE };

struct command {
	struct control_options options;
	enum action action;
};

static const char usage_text[] =
	"Usage: mtlbd [OPTIONS]\n"
	"Multi-tenant XDP layer-4 load balancer. Stopping leaves the kernel forwarding.\n\n"
	"  --config FILE      configuration (/etc/mtlb/mtlb.yaml)\n"
	"  --tenants DIR      one file a tenant (/etc/mtlb/tenants)\n"
	"  --state DIR        secret, history, overrides (/var/lib/mtlb)\n"
	"  --socket PATH      where mtlbctl reaches it (/run/mtlb/mtlbd.sock)\n"
	"  --pin-dir DIR      pins in a BPF file system (" MTLB_PIN_DIR ")\n"
	"  --log-level LEVEL  error, warning, info or debug (info)\n"
	"  --check            check the configuration files and exit\n"
	"  --unload           stop forwarding: detach, remove pins, exit\n"
	"  --version          print the version and exit\n"
	"  --help             this text\n";

static int print_report(const struct report *r, int status)
{
	for (size_t i = 0; i < r->n; i++)
		if (*r->lines[i].where)
			log_error("%s: %s", r->lines[i].where, r->lines[i].text);
		else
			log_error("%s", r->lines[i].text);
	return status;
}

static int check(const struct control_options *o)
{
	struct report r = {0};
	struct model *m = NULL;
	int error = config_load(o->config, o->tenants, &m, &r);

	if (!error)
		error = model_check(m, &r);
	if (!error)
		printf("%s: %zu tenants, %zu segments, no mistakes\n", o->config, m->n_tenants,
		       m->n_segments);
	/* Places first, as compilers do it: editors jump to them. */
	for (size_t i = 0; i < r.n; i++)
		fprintf(stderr, "%s%s%s\n", r.lines[i].where, *r.lines[i].where ? ": " : "",
			r.lines[i].text);
	report_clear(&r);
	model_free(m);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int unload(const struct control_options *o)
{
	struct report r = {0};
	int error = datapath_unload(o->pin_dir, &r);
	int status = print_report(&r, error ? EXIT_FAILURE : EXIT_SUCCESS);

	if (error && !r.n)
		log_error("%s: cannot unload: %s", o->pin_dir, strerror(-error));
	report_clear(&r);
	return status;
}

static int serve(struct control *control, int fd)
{
	struct report r = {0};
	struct daemon_loop loop;
	struct api_server *server = NULL;
	int error = daemon_loop_open(&loop, control);

	if (!error)
		error = api_server_start(&loop.uv, control, fd, &server, &r);
	if (!error) {
		log_info("ready, listening on %s", control->options->socket);
		notify_send("READY=1\nSTATUS=forwarding");
		daemon_loop_run(&loop);
		notify_send("STOPPING=1\nSTATUS=stopped; the kernel goes on forwarding");
		api_server_stop(server);
	} else if (!r.n) {
		log_error("cannot start: %s", strerror(-error));
	}
	daemon_loop_close(&loop);
	print_report(&r, 0);
	report_clear(&r);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The socket first: whoever has it is the daemon, and clients that come early wait for their answers. */
static int run(const struct control_options *o)
{
	struct report r = {0};
	struct control *control;
	int status = EXIT_FAILURE;
	int fd;

	daemon_loop_hold_signals();
	for (int i = 0; (fd = api_listen(o->socket, &r)) == -EADDRINUSE && lock_wait(i); i++)
		report_clear(&r);
	int error = fd < 0 ? fd : control_open(o, &control, &r);

	if (error) {
		print_report(&r, 0);
		if (!r.n)
			log_error("cannot start: %s", strerror(-error));
	} else {
		status = serve(control, fd);
		control_close(control);
	}
	if (fd >= 0)
		unlink(o->socket);
	report_clear(&r);
	return status;
}

enum { OPTION_CONFIG = 256, OPTION_TENANTS, OPTION_STATE, OPTION_SOCKET, OPTION_PIN_DIR,
       OPTION_LOG_LEVEL, OPTION_CHECK, OPTION_UNLOAD, OPTION_VERSION, OPTION_HELP };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "tenants", required_argument, NULL, OPTION_TENANTS },
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "pin-dir", required_argument, NULL, OPTION_PIN_DIR },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "unload", no_argument, NULL, OPTION_UNLOAD },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 },
};

static int set_log_level(const char *text)
{
	enum log_level level;

	if (log_level_parse(text, &level)) {
		fprintf(stderr, "mtlbd: --log-level %s: error, warning, info or debug\n", text);
		return -EINVAL;
	}
	log_set_level(level);
	return 0;
}

static int take_option(int option, struct command *command)
{
	switch (option) {
	case OPTION_CONFIG:
		command->options.config = optarg;
		return 0;
	case OPTION_TENANTS:
		command->options.tenants = optarg;
		return 0;
	case OPTION_STATE:
		command->options.state = optarg;
		return 0;
	case OPTION_SOCKET:
		command->options.socket = optarg;
		return 0;
	case OPTION_PIN_DIR:
		command->options.pin_dir = optarg;
		return 0;
	case OPTION_LOG_LEVEL:
		return set_log_level(optarg);
	case OPTION_CHECK:
		command->action = ACTION_CHECK;
		return 0;
	case OPTION_UNLOAD:
		command->action = ACTION_UNLOAD;
		return 0;
	case OPTION_VERSION:
		printf("mtlbd %s (abi %d)\n", MTLB_VERSION, MTLB_ABI_VERSION);
		command->action = ACTION_DONE;
		return 0;
	case OPTION_HELP:
		fputs(usage_text, stdout);
		command->action = ACTION_DONE;
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse_options(int argc, char **argv, struct command *command)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (take_option(option, command)) {
			fputs("see mtlbd --help\n", stderr);
			return -EINVAL;
		}
	if (optind < argc) {
		fprintf(stderr, "mtlbd: \"%s\": there are only options; see mtlbd --help\n",
			argv[optind]);
		return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct command command = { .options = {
		.config = "/etc/mtlb/mtlb.yaml",
		.tenants = "/etc/mtlb/tenants",
		.state = "/var/lib/mtlb",
		.socket = "/run/mtlb/mtlbd.sock",
		.pin_dir = MTLB_PIN_DIR,
	} };

	if (parse_options(argc, argv, &command))
		return 2;
	switch (command.action) {
	case ACTION_CHECK:
		return check(&command.options);
	case ACTION_UNLOAD:
		return unload(&command.options);
	case ACTION_RUN:
		return run(&command.options);
	default:
		return EXIT_SUCCESS;
	}
}
