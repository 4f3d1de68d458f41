/* SPDX-License-Identifier: Apache-2.0 */
/* Starting sandboxes: what exists on the host is on record before it exists. */
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "providers/local/local.h"
#include "runtime/devices.h"
#include "runtime/remove.h"

/* What is around a command that has a gate is over by then, too. */
#define GATE_RUN_SPARE_MS 60000

/* Take back what prepare() made; the supervisor does it once it runs. */
static void undo(const struct local_plan *plan)
{
	sp_cgroup_remove(&plan->record.cgroups);
	if (plan->record.device_cgroup)
		sp_devices_drop(plan->record.device_cgroup);
	if (plan->record.claim)
		(void)unlink(plan->record.claim);
	(void)sp_remove_state(plan->state_path);
}

/* Cgroups that turn out differently than planned: a default falls back, a wish fails. */
static int apply_cgroups(struct local_plan *plan, const struct sp_sandbox_spec *spec,
	bool *as_planned, struct sp_error *err)
{
	struct sp_record *r = &plan->record;
	const struct sp_cgroup_limits limits = local_cgroup_limits(r);
	const bool asked[SP_CGROUP_KINDS] = {spec->limits.memory_bytes != 0,
		spec->limits.pids != 0, spec->limits.cpu_millis != 0};

	*as_planned = sp_cgroup_apply(&r->cgroups, &limits);
	if (*as_planned)
		return 0;
	for (int k = 0; k < SP_CGROUP_KINDS; k++)
		if (asked[k] && !r->cgroups.holds[k])
			return sp_fail(err, SP_ERR_UNSUPPORTED,
				"a limit cannot be enforced: %.300s",
				r->cgroups.why_not[k]);
	return 0;
}

static void mark(const struct sp_command *command, const char *name)
{
	if (command)
		sp_timeline_mark(command->timeline, command->timeline_start_us, name);
}

static void set_command(struct sp_launch *launch, const struct sp_command *command)
{
	launch->argv = command->argv;
	launch->env = command->env;
	launch->workdir = command->workdir;
	launch->user = command->user;
	launch->timeout_ms = command->timeout_ms;
	launch->tty = command->tty;
	launch->window = command->window;
}

static struct sp_launch launch_of(
	const struct local *l, const struct local_plan *plan, enum sp_runner_mode mode)
{
	return (struct sp_launch){.mode = mode,
		.sandbox = &plan->record,
		.runner_path = l->runner,
		.required = local_required_bits(plan->required),
		.map_tools = plan->record.range_uid ? local_subids(l)->tools : NULL,
		.state_path = plan->state_path,
		.root = plan->root,
		.layers = sp_strv_list(&plan->image.folders),
		.layer_count = plan->image.folders.count,
		.host_view = !plan->root,
		.mounts = plan->mounts,
		.mount_count = plan->mount_count,
		.hosts = plan->network.hosts,
		.resolv = plan->network.resolv,
		.exe_fd = -1,
		.lock_fd = plan->lock_fd,
		.store_fd = plan->store_fd,
		.events_path = l->state,
		.filter_fd = plan->filter_fd};
}

/* What a launch needs to know first: checked, and ids of its own claimed. */
static int plan_launch(const struct local *l, const struct sp_sandbox_spec *spec,
	enum sp_runner_mode mode, struct local_plan *plan, struct sp_error *err)
{
	int rc = local_plan_make(l, spec, mode, plan, err);

	if (rc < 0)
		return rc;
	plan->base_fd = sp_state_open(l->sandboxes, err);
	if (plan->base_fd < 0)
		return plan->base_fd;
	/* Until sp_state_begin() lets go: a claim without its folder is stale otherwise. */
	if (flock(plan->base_fd, LOCK_SH) < 0)
		return sp_fail_errno(err, "lock state folder");
	plan->ids.has_mounts = plan->mount_count > 0 || plan->root ||
		plan->image.folders.count > 0;
	rc = local_claim_ids(l, &plan->ids, &plan->record, err);
	if (rc == 0)
		local_plan_devices(plan);
	return rc;
}

/* For those who ask later, or because the caller will not do without one. */
static int note_layers(
	const struct local *l, struct local_plan *plan, struct sp_error *err)
{
	if (!plan->record.is_kept && !plan->required)
		return 0;
	local_note_layers(l, plan);
	return local_check_layers(plan, err);
}

/* What turns out differently than planned is on the record, too. */
static int make_cgroups(const struct local *l, const struct sp_sandbox_spec *spec,
	struct local_plan *plan, struct sp_error *err)
{
	bool as_planned = true, had_devices;
	int rc = apply_cgroups(plan, spec, &as_planned, err);

	if (rc < 0)
		return rc;
	had_devices = !plan->device_why[0];
	local_guard_devices(plan);
	if (as_planned && had_devices == !plan->device_why[0])
		return 0;
	rc = note_layers(l, plan, err);
	return rc < 0 ? rc : sp_state_update(plan->base_fd, &plan->record, err);
}

/* The rest, while the runner builds the sandbox. */
static int put_on_record(const struct local *l, const struct sp_sandbox_spec *spec,
	struct local_plan *plan, struct sp_error *err)
{
	int rc = local_plan_filter(l, plan, err);

	if (rc < 0)
		return rc;
	rc = note_layers(l, plan, err);
	if (rc < 0)
		return rc;
	plan->lock_fd = sp_state_begin(plan->base_fd, &plan->record, err);
	if (plan->lock_fd < 0)
		return plan->lock_fd;
	return make_cgroups(l, spec, plan, err);
}

static int start_runner(const struct local *l, const struct local_plan *plan,
	enum sp_runner_mode mode, const struct sp_command *command,
	struct sp_running *running, struct sp_error *err)
{
	struct sp_launch launch = launch_of(l, plan, mode);

	if (command)
		set_command(&launch, command);
	if (plan->record.pool)
		local_refill_argv(l, plan->record.pool, launch.refill);
	return sp_launch_ahead(&launch, running, err);
}

/* Cgroups that turned out other than planned are limits the runner knows otherwise. */
static int let_go(const struct local *l, const struct local_plan *plan,
	const struct sp_cgroup_set *planned, enum sp_runner_mode mode,
	const struct sp_command *command, struct sp_running *running,
	struct sp_error *err)
{
	struct sp_launch launch = launch_of(l, plan, mode);
	const struct sp_cgroup_set *now = &plan->record.cgroups;
	int rc = 0;

	if (planned->count != now->count ||
		memcmp(planned->holds, now->holds, sizeof(now->holds)) != 0) {
		sp_launch_end(running);
		rc = start_runner(l, plan, mode, command, running, err);
	}
	return rc < 0 ? rc : sp_launch_go(&launch, running, err);
}

/*
 * From a specification to a runner that was let go.  It starts before anything is on
 * record, for until then it makes nothing that outlives it, and it ends with us.
 */
static int start(const struct local *l, const struct sp_sandbox_spec *spec,
	enum sp_runner_mode mode, const struct sp_command *command,
	struct local_plan *plan, struct sp_running *running, struct sp_error *err)
{
	struct sp_cgroup_set planned;
	int rc = plan_launch(l, spec, mode, plan, err);

	if (rc < 0)
		return rc;
	planned = plan->record.cgroups;
	rc = start_runner(l, plan, mode, command, running, err);
	mark(command, "runner started");
	if (rc == 0)
		rc = put_on_record(l, spec, plan, err);
	mark(command, "prepared");
	if (rc == 0)
		rc = let_go(l, plan, &planned, mode, command, running, err);
	if (rc < 0) {
		if (running->pid > 0)
			sp_launch_end(running);
		undo(plan);
	}
	sp_close_fd(&plan->lock_fd); /* the supervisor's now */
	return rc;
}

/* What the runner could not set, and went on without: on the sandbox's own record. */
static int note_degraded(struct local_plan *plan, const struct sp_runner_event *event,
	struct sp_error *err)
{
	int rc;

	if (!event->degraded)
		return 0;
	local_note_degraded(&plan->record, event->degraded);
	rc = sp_strv_ok(&plan->record.layers, err);
	return rc < 0 ? rc : sp_state_update(plan->base_fd, &plan->record, err);
}

/* For whom a sandbox is made that stays. */
struct making {
	enum gate_life life;
	int *control;     /* the gate's, where the caller wants to end it */
	const char *pool; /* that it waits in, or NULL */
};

/* Takes what *image owns. */
static int create_from(struct local *l, struct local_image *image,
	const struct sp_sandbox_spec *spec, const struct making *making,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	SP_AUTO(local_plan_clear) struct local_plan plan = LOCAL_PLAN_INIT;
	struct sp_running running = {0};
	struct sp_runner_event event = {0};
	int rc;

	plan.image = *image;
	*image = (struct local_image){0};
	if (making->pool) {
		plan.record.pool = strdup(making->pool);
		if (!plan.record.pool)
			return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	rc = start(l, spec, SP_RUNNER_CREATE, NULL, &plan, &running, err);
	if (rc < 0)
		return rc;
	rc = sp_launch_wait_ready(&running, &event, err);
	if (rc < 0) {
		undo(&plan); /* what the runner did not know of, or had no time for */
		return rc;
	}
	rc = note_degraded(&plan, &event, err);
	if (rc == 0)
		rc = local_network_start(l, spec, &plan.network, &plan.record,
			making->life, making->control, err);
	if (rc < 0) {
		(void)local_destroy(&l->base, plan.record.id, NULL);
		return rc;
	}
	memcpy(id, plan.record.id, strlen(plan.record.id) + 1);
	return 0;
}

int local_create_from(struct local *l, struct local_image *image,
	const struct sp_sandbox_spec *spec, char id[static SP_SANDBOX_ID_MAX],
	struct sp_error *err)
{
	const struct making kept = {.life = GATE_KEPT};

	return create_from(l, image, spec, &kept, id, err);
}

static int create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct making *making, char id[static SP_SANDBOX_ID_MAX],
	struct sp_error *err)
{
	local_autoimage image = {0};
	int rc = local_image_find(local_of(p), spec->image, &image, err);

	return rc < 0 ? rc : create_from(local_of(p), &image, spec, making, id, err);
}

int local_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	const struct making kept = {.life = GATE_KEPT};

	return create(p, spec, &kept, id, err);
}

int local_create_for_pool(struct local *l, const struct sp_sandbox_spec *spec,
	const char *pool, char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	const struct making waiting = {.life = GATE_KEPT, .pool = pool};

	return create(&l->base, spec, &waiting, id, err);
}

/*
 * With a gate the three steps are taken one by one, as it comes between the first two.
 * Whoever kills us ends the gate's control, and that ends the sandbox; the time to live is
 * for the moment before the gate is there.
 */
static int run_with_gate(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err)
{
	struct sp_sandbox_spec kept = *spec;
	sp_autoclose int control = -1;
	const struct making making = {.life = GATE_RUN, .control = &control};
	int rc;

	if (!kept.ttl_ms && command->timeout_ms)
		kept.ttl_ms = command->timeout_ms + GATE_RUN_SPARE_MS;
	rc = create(p, &kept, &making, id, err);
	return rc < 0 ? rc : sp_provider_run_created(p, id, command, out, err);
}

/* Others find the supervisor of a sandbox whose maker waits here by this note. */
static void note_supervisor(
	const struct local_plan *plan, const struct sp_running *running)
{
	struct sp_supervisor s = {
		.pid = running->pid, .start_ticks = sp_proc_start_ticks(running->pid)};

	/* A command that is over before the note is written needs none. */
	(void)sp_state_note_supervisor(plan->base_fd, plan->record.id, &s, NULL);
}

int local_run(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err)
{
	struct local *l = local_of(p);
	SP_AUTO(local_plan_clear) struct local_plan plan = LOCAL_PLAN_INIT;
	struct sp_running running = {0};
	struct sp_runner_event event = {0};
	int64_t start_us = sp_clock_us();
	struct sp_relay relay = {.input = {.fd = command->stdin_fd},
		.cancel_fd = command->cancel_fd,
		.on_output = command->on_output,
		.on_output_ctx = command->on_output_ctx,
		.tty = command->tty,
		.has_resize = command->has_resize,
		.resize_fd = command->resize_fd};
	int rc;

	if (local_network_needs_gate(spec))
		return run_with_gate(p, spec, command, id, out, err);
	rc = start(l, spec, SP_RUNNER_RUN, command, &plan, &running, err);
	if (rc < 0)
		return rc;
	memcpy(id, plan.record.id, strlen(plan.record.id) + 1);
	note_supervisor(&plan, &running);
	rc = sp_launch_relay(&running, &relay, &event, err);
	if (event.kind == SP_EVENT_ENDED)
		(void)sp_remove_state(
			plan.state_path); /* the note may have come late */
	else
		undo(&plan); /* what the runner did not know of, or had no time for */
	local_timeline(command, &event);
	if (rc == 0)
		local_outcome(&event, start_us, out);
	return rc;
}
