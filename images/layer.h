/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer says of the layers below it.  In an archive these are names, as in OCI
 * images: ".wh.NAME" hides NAME, ".wh..wh..opq" in a folder hides all of it.  On disk they
 * are overlayfs's marks: a character device 0:0 and an extended attribute.
 *
 * Source: OCI image-spec 1.1, layer.md; Linux Documentation/filesystems/overlayfs.rst.
 */
#ifndef SP_IMAGES_LAYER_H
#define SP_IMAGES_LAYER_H

#include <sys/stat.h>

#include "base/error.h"

#define SP_LAYER_GONE_PREFIX ".wh."
#define SP_LAYER_OPAQUE_NAME ".wh..wh..opq"

enum sp_layer_mark {
	SP_LAYER_NO_MARK,
	SP_LAYER_GONE,     /* hides the name behind the prefix */
	SP_LAYER_OPAQUE,   /* hides all of the folder it is in */
	SP_LAYER_RESERVED, /* of other writers, for their own use */
};

/* What one component of a name means. */
enum sp_layer_mark sp_layer_mark_of(const char *name);

bool sp_layer_is_gone(const struct stat *st);
bool sp_layer_is_opaque(int folder);

/* Errors:  UNSUPPORTED, with what to do, where the file system cannot keep marks */
int sp_layer_make_gone(int folder, const char *name, struct sp_error *err);
int sp_layer_make_opaque(int folder, struct sp_error *err);

#endif
