/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel grants a sandbox, by trying each thing a launch does, in a child. */
#ifndef SP_PROVIDERS_LOCAL_PROBE_H
#define SP_PROVIDERS_LOCAL_PROBE_H

/* Make these namespaces in a child that does nothing else; 0 or errno. */
int local_try_namespaces(int flags);

/* Each is 0 or errno; ECANCELED is what could not be tried because of another. */
struct local_probe {
	int namespaces; /* user, mount and pid at once */
	int maps;       /* one id, as every user may */
	int tmpfs;
	int overlay; /* on that tmpfs, as an image has it */
	int proc;
	int keyring;
	int filter; /* a system call filter */
	int oom;    /* the OOM score of a sandbox */
};
void local_probe(struct local_probe *out);

#endif
