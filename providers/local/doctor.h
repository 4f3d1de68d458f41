/* SPDX-License-Identifier: Apache-2.0 */
/* What this host grants the local provider, layer by layer, and how to get the rest. */
#ifndef SP_PROVIDERS_LOCAL_DOCTOR_H
#define SP_PROVIDERS_LOCAL_DOCTOR_H

#include "base/error.h"

#define SP_DOCTOR_ROWS_MAX 40

enum sp_doctor_state { SP_DOCTOR_ON, SP_DOCTOR_DEGRADED, SP_DOCTOR_OFF };

struct sp_doctor_row {
	const char *layer;
	enum sp_doctor_state state;
	bool is_vital;    /* off means: no sandbox can start */
	char detail[256]; /* what was found, or why not */
	char mend[256];   /* what would help, or empty */
};

/* Look at every layer; returns the number of rows. */
size_t sp_local_doctor(struct sp_doctor_row rows[SP_DOCTOR_ROWS_MAX]);

const char *sp_doctor_state_name(enum sp_doctor_state state);

/* For layers.c: what would mend this one of enum local_layer, or "". */
void local_layer_mend(int layer, char *out, size_t size);

#endif
