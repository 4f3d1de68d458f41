/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes as containers of a Docker engine, hardened by default.
 *
 * Settings: "host" (unix:///path, tcp://host:port), "cert_path" (a folder with ca.pem,
 * cert.pem, key.pem), "tls_verify" ("" or "0": any certificate will do).  What is not set
 * comes from DOCKER_HOST, DOCKER_CERT_PATH and DOCKER_TLS_VERIFY.
 */
#ifndef SP_DOCKER_DRIVER_H
#define SP_DOCKER_DRIVER_H

#include "providers/provider.h"

extern const struct sp_driver sp_driver_docker;

#endif
