// Generated from the OpenAPI document by "npm run clients"; do not edit.
export interface paths {
    "/v1/auth/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the identity of the credential */
        get: operations["getCaller"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/functions/{name}/dead": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Throw away dead invocations of a function: all, those of one reason, or some
         * @description A key needs the scope `invoke`.
         */
        delete: operations["purgeDeadLetters"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/functions/{name}/dead/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run dead invocations of a function again: all, those of one reason, or some
         * @description Leaves those whose pinned version was deleted with its function, and those whose input was lost because the store refused it; `count` is the number of the others. One without its input can be replayed by its id with another input. A key needs the scope `invoke`.
         */
        post: operations["replayDeadLetters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/functions/{name}/invoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Invoke a function, or one version as name@version
         * @description A key needs the scope `invoke`.
         */
        post: operations["invokeFunction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invocations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List invocations: live ones first, then ended ones, newest first
         * @description A key needs the scope `read`.
         */
        get: operations["listInvocations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invocations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show an invocation: its state, attempts and, while kept, its input and output
         * @description A key needs the scope `read`.
         */
        get: operations["getInvocation"];
        put?: never;
        post?: never;
        /**
         * Cancel an invocation that is queued or running
         * @description A key needs the scope `invoke`.
         */
        delete: operations["cancelInvocation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/invocations/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replay an ended invocation with its own or another input
         * @description A dead invocation no longer counts as dead once it has been replayed, and can be replayed again like any other. The input is kept as long as the result, and for dead invocations as long as these; the input of a successful invocation is kept only up to 1 KB and must otherwise be sent. A key needs the scope `invoke`.
         */
        post: operations["replayInvocation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/pubsub/publish": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Publish a message to triggers and live subscribers
         * @description A key needs the scope `publish`.
         */
        post: operations["publishMessage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/pubsub/publish/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Publish up to 1000 messages atomically
         * @description The messages are published in order. If one is refused, none is published, and the error names it. The body has at most 8 MB. A key needs the scope `publish`.
         */
        post: operations["publishMessages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Error: {
            /**
             * @description A stable identifier to match on.
             * @enum {string}
             */
            code: "invalid_request" | "invalid_manifest" | "invalid_module" | "invalid_sql" | "egress_refused" | "unauthorized" | "signature_invalid" | "forbidden" | "insufficient_scope" | "not_found" | "function_not_found" | "method_not_allowed" | "request_timeout" | "conflict" | "payload_too_large" | "unsupported_media_type" | "idempotency_mismatch" | "function_refused" | "upgrade_required" | "headers_too_large" | "rate_limited" | "quota_exceeded" | "queue_full" | "function_error" | "expired" | "worker_died" | "misconfigured" | "blob_damaged" | "internal" | "not_implemented" | "invalid_reply" | "unavailable" | "function_timeout" | "ambiguous_write" | "loop_detected" | "cancelled" | "build_failed" | "bad_config";
            /** @description One sentence: what was wrong and what to do next. */
            error: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    getCaller: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The identity. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "authenticated": true,
                     *       "method": "api_key",
                     *       "subject": "key:0199c6a2",
                     *       "wallet": "0x52908400098527886e0f7030069857d2e4169ee7",
                     *       "namespace": "default",
                     *       "is_admin": true,
                     *       "scopes": [
                     *         "invoke"
                     *       ],
                     *       "functions": null,
                     *       "expires_at": "string"
                     *     }
                     */
                    "application/json": {
                        /** @constant */
                        authenticated: true;
                        expires_at: string | null;
                        functions: string[] | null;
                        is_admin: boolean;
                        /** @enum {string} */
                        method: "api_key" | "jwt";
                        namespace: string;
                        scopes: ("invoke" | "publish" | "read" | "deploy" | "secrets" | "data" | "keys" | "*")[];
                        subject: string;
                        /** @description Empty for API keys. */
                        wallet: string;
                    };
                };
            };
            /** @description `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `forbidden`: The credential is valid but not for this namespace or action. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `rate_limited`: Too many requests in this minute; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    purgeDeadLetters: {
        parameters: {
            query?: {
                /** @description The credential's own namespace. Only anonymous calls can select one; their default is `default`. */
                namespace?: string;
                /** @description Only dead invocations with this reason. */
                reason?: "error" | "timeout" | "expired" | "worker_died";
                /** @description Only these: up to 100 ids, separated by commas. Others among them are left alone. */
                request_id?: string;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The number of invocations. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "count": 1
                     *     }
                     */
                    "application/json": {
                        count: number;
                    };
                };
            };
            /** @description `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `insufficient_scope`: The key may not do this, or not with this function; the error names the scope. `forbidden`: The credential is valid but not for this namespace or action. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `function_not_found`: No such function, or a private one of another namespace. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `rate_limited`: Too many requests in this minute; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    replayDeadLetters: {
        parameters: {
            query?: {
                /** @description The credential's own namespace. Only anonymous calls can select one; their default is `default`. */
                namespace?: string;
                /** @description Only dead invocations with this reason. */
                reason?: "error" | "timeout" | "expired" | "worker_died";
                /** @description Only these: up to 100 ids, separated by commas. Others among them are left alone. */
                request_id?: string;
                /** @description The version to run: `pinned`, that of the original invocation (default), `newest`, or a number. */
                version?: string;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The number of invocations. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "count": 1
                     *     }
                     */
                    "application/json": {
                        count: number;
                    };
                };
            };
            /** @description `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `insufficient_scope`: The key may not do this, or not with this function; the error names the scope. `forbidden`: The credential is valid but not for this namespace or action. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `function_not_found`: No such function, or a private one of another namespace. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `queue_full`: The queue holds as many jobs or bytes as it may; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. `rate_limited`: Too many requests in this minute; see Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `loop_detected`: The call comes from an invocation whose trigger depth is used up; it was not accepted. */
            508: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    invokeFunction: {
        parameters: {
            query?: {
                /** @description The credential's own namespace. Only anonymous calls can select one; their default is `default`. */
                namespace?: string;
            };
            header?: {
                /** @description The same key returns the same invocation and result for 24 hours; with a different body it is 422. */
                "Idempotency-Key"?: string;
                /** @description `respond-async`: answer 202 immediately; `wait=N`: answer 202 after N seconds without a result. */
                Prefer?: string;
                /** @description W3C trace context, propagated to the invocation. */
                Traceparent?: string;
                /** @description Async only: URL to which the result is POSTed, signed with the callback secret of the namespace. */
                "X-Callback-Url"?: string;
                /** @description Async only: delay before the first attempt, in seconds. */
                "X-Delay-Seconds"?: number;
                /** @description If the invocation is older than this when it is about to start, it is dead with reason `expired`. */
                "X-Max-Age-Seconds"?: number;
                /** @description Equal values select equal versions of an alias with weights. */
                "X-Orama-Sticky"?: string;
                /** @description An id for the invocation chosen by the client: a new UUID. */
                "X-Request-ID"?: string;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        /** @description The function's stdin. At most 1048576 bytes, of any content type. */
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "name": "Ada"
                 *     }
                 */
                "application/json": unknown;
                "application/octet-stream": unknown;
                "text/plain": unknown;
            };
        };
        responses: {
            /** @description Output that begins with `{` or `[` is returned unchanged; other output is wrapped in JSON. With `Accept: application/octet-stream`, the raw bytes. */
            200: {
                headers: {
                    /** @description How many attempts it took. */
                    "X-Attempts"?: string;
                    /** @description How long the last attempt ran. */
                    "X-Duration-Ms"?: string;
                    /** @description The version that ran. */
                    "X-Function-Version"?: string;
                    /** @description The id of the invocation. */
                    "X-Request-ID"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *       "output": "{\"greeting\":\"Hello, Ada\"}",
                     *       "output_base64": "string",
                     *       "status": "success",
                     *       "duration_ms": 1.84
                     *     }
                     */
                    "application/json": {
                        duration_ms: number;
                        output?: string;
                        /** @description Replaces `output` if it is not UTF-8. */
                        output_base64?: string;
                        request_id: string;
                        /** @constant */
                        status: "success";
                    } | unknown;
                    "application/octet-stream": unknown;
                };
            };
            /** @description Accepted and durable; also a sync call for whose reply there is no memory. */
            202: {
                headers: {
                    /** @description URL of the invocation. */
                    Location?: string;
                    /** @description The id of the invocation. */
                    "X-Request-ID"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *       "status": "queued"
                     *     }
                     */
                    "application/json": {
                        request_id: string;
                        /** @constant */
                        status: "queued";
                    };
                };
            };
            /** @description `egress_refused`: The address is loopback, private, link-local or not allowed. `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `forbidden`: The credential is valid but not for this namespace or action. `insufficient_scope`: The key may not do this, or not with this function; the error names the scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `function_not_found`: No such function, or a private one of another namespace. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `conflict`: The resource is in a state that does not allow this. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `payload_too_large`: The body or module is larger than the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The function refused its input: it ended with an exit code from 64 to 78. `idempotency_mismatch`: The Idempotency-Key was used before with another body, or for another method, path or query of an HTTP function. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *       "status": "error",
                     *       "error": "string",
                     *       "code": "invalid_request",
                     *       "output": "{\"greeting\":\"Hello, Ada\"}",
                     *       "output_base64": "string",
                     *       "duration_ms": 1.84
                     *     }
                     */
                    "application/json": {
                        code: string;
                        duration_ms: number;
                        error: string;
                        /** @description The output before the failure, for callers with a credential. */
                        output?: string;
                        /** @description Replaces `output` if it is not UTF-8. */
                        output_base64?: string;
                        request_id: string;
                        /** @enum {string} */
                        status: "error" | "timeout" | "cancelled";
                    } | components["schemas"]["Error"];
                };
            };
            /** @description `queue_full`: The queue holds as many jobs or bytes as it may; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. `rate_limited`: Too many requests in this minute; see Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The invocation was cancelled. */
            499: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *       "status": "error",
                     *       "error": "string",
                     *       "code": "invalid_request",
                     *       "output": "{\"greeting\":\"Hello, Ada\"}",
                     *       "output_base64": "string",
                     *       "duration_ms": 1.84
                     *     }
                     */
                    "application/json": {
                        code: string;
                        duration_ms: number;
                        error: string;
                        /** @description The output before the failure, for callers with a credential. */
                        output?: string;
                        /** @description Replaces `output` if it is not UTF-8. */
                        output_base64?: string;
                        request_id: string;
                        /** @enum {string} */
                        status: "error" | "timeout" | "cancelled";
                    };
                };
            };
            /** @description The function failed, including all retries. `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *       "status": "error",
                     *       "error": "string",
                     *       "code": "invalid_request",
                     *       "output": "{\"greeting\":\"Hello, Ada\"}",
                     *       "output_base64": "string",
                     *       "duration_ms": 1.84
                     *     }
                     */
                    "application/json": {
                        code: string;
                        duration_ms: number;
                        error: string;
                        /** @description The output before the failure, for callers with a credential. */
                        output?: string;
                        /** @description Replaces `output` if it is not UTF-8. */
                        output_base64?: string;
                        request_id: string;
                        /** @enum {string} */
                        status: "error" | "timeout" | "cancelled";
                    } | components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description The function exceeded its timeout, including all retries. */
            504: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *       "status": "error",
                     *       "error": "string",
                     *       "code": "invalid_request",
                     *       "output": "{\"greeting\":\"Hello, Ada\"}",
                     *       "output_base64": "string",
                     *       "duration_ms": 1.84
                     *     }
                     */
                    "application/json": {
                        code: string;
                        duration_ms: number;
                        error: string;
                        /** @description The output before the failure, for callers with a credential. */
                        output?: string;
                        /** @description Replaces `output` if it is not UTF-8. */
                        output_base64?: string;
                        request_id: string;
                        /** @enum {string} */
                        status: "error" | "timeout" | "cancelled";
                    };
                };
            };
            /** @description `loop_detected`: The call comes from an invocation whose trigger depth is used up; it was not accepted. */
            508: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listInvocations: {
        parameters: {
            query?: {
                /** @description Only invocations accepted before this time. */
                before?: string;
                /** @description `next_cursor` of the previous page. */
                cursor?: string;
                /** @description Server-sent events: the first page, and again whenever it changes. */
                follow?: boolean;
                function?: string;
                limit?: number;
                /** @description Only invocations triggered by this message. */
                message_id?: string;
                /** @description The credential's own namespace. Only anonymous calls can select one; their default is `default`. */
                namespace?: string;
                /** @description Only invocations caused by this one. */
                parent_id?: string;
                /** @description Only dead invocations with this reason; none with another `status` than `dead`. */
                reason?: "error" | "timeout" | "expired" | "worker_died";
                /** @description Only invocations accepted at or after this time. */
                since?: string;
                status?: "queued" | "running" | "retrying" | "success" | "error" | "timeout" | "dead" | "cancelled";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "invocations": [
                     *         {
                     *           "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *           "namespace": "default",
                     *           "function": "resize",
                     *           "version": 7,
                     *           "trigger": "http",
                     *           "route": "string",
                     *           "method": "string",
                     *           "http_status": -9007199254740991,
                     *           "trigger_depth": -9007199254740991,
                     *           "parent_id": null,
                     *           "message_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *           "state": "queued",
                     *           "attempts": [
                     *             {
                     *               "number": -9007199254740991,
                     *               "status": "success",
                     *               "error": "string",
                     *               "started_at": "2026-01-31T12:00:00.000Z",
                     *               "duration_ms": 1.84
                     *             }
                     *           ],
                     *           "error": "string",
                     *           "code": "function_error",
                     *           "input_size": 14,
                     *           "output_size": 25,
                     *           "input": "string",
                     *           "input_base64": "string",
                     *           "output": "string",
                     *           "output_base64": "string",
                     *           "callback": null,
                     *           "created_at": "2026-01-31T12:00:00.000Z",
                     *           "completed_at": "string"
                     *         }
                     *       ],
                     *       "count": 1,
                     *       "next_cursor": "string"
                     *     }
                     */
                    "application/json": {
                        count: number;
                        invocations: {
                            attempts: {
                                duration_ms: number;
                                error: string | null;
                                number: number;
                                started_at: string;
                                /** @enum {string} */
                                status: "success" | "error" | "timeout";
                            }[];
                            callback: {
                                /** @description Number of delivery attempts so far. */
                                attempts: number;
                                /** @description When the receiver responded with a 2xx status. */
                                delivered_at: string | null;
                                /** @description Error of the last attempt. */
                                last_error: string | null;
                                url: string;
                            } | null;
                            /**
                             * @description Of an invocation that failed: the error code that a waiting caller gets.
                             * @enum {string}
                             */
                            code?: "function_error" | "function_refused" | "function_timeout" | "expired" | "worker_died" | "cancelled" | "unavailable" | "quota_exceeded";
                            completed_at: string | null;
                            created_at: string;
                            error: string | null;
                            function: string;
                            /** @description The HTTP status of the response; 202 with `mode: async`. Null if no response was sent, as for a retried attempt or a replay. Absent in what did not come to an HTTP function. */
                            http_status?: number | null;
                            /** @description Null if it is not kept; in a list also if it is larger than 64 KB. */
                            input: string | null;
                            input_base64?: string;
                            input_size: number;
                            /** @description The message that triggered the invocation. */
                            message_id?: string;
                            /** @description The method of the request. Absent in what did not come to an HTTP function. */
                            method?: string;
                            namespace: string;
                            output: string | null;
                            output_base64?: string;
                            output_size: number | null;
                            /** @description The invocation that published the event, enqueued this invocation or was replayed as this one. */
                            parent_id: string | null;
                            request_id: string;
                            /** @description The matched route, such as `GET /users/{id}`; null for the function's own address. Absent in what did not come to an HTTP function. */
                            route?: string | null;
                            /** @enum {string} */
                            state: "queued" | "running" | "retrying" | "success" | "error" | "timeout" | "dead" | "cancelled";
                            /** @enum {string} */
                            trigger: "http" | "ws" | "pubsub" | "cron" | "async" | "replay";
                            trigger_depth: number;
                            version: number;
                        }[];
                        next_cursor: string | null;
                    };
                    "text/event-stream": unknown;
                };
            };
            /** @description `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `insufficient_scope`: The key may not do this, or not with this function; the error names the scope. `forbidden`: The credential is valid but not for this namespace or action. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `function_not_found`: No such function, or a private one of another namespace. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `rate_limited`: Too many requests in this minute; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getInvocation: {
        parameters: {
            query?: {
                /** @description Server-sent events: the record, and again whenever it changes. */
                follow?: boolean;
                /** @description The credential's own namespace. Only anonymous calls can select one; their default is `default`. */
                namespace?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invocation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *       "namespace": "default",
                     *       "function": "resize",
                     *       "version": 7,
                     *       "trigger": "http",
                     *       "route": "string",
                     *       "method": "string",
                     *       "http_status": -9007199254740991,
                     *       "trigger_depth": -9007199254740991,
                     *       "parent_id": null,
                     *       "message_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *       "state": "queued",
                     *       "attempts": [
                     *         {
                     *           "number": -9007199254740991,
                     *           "status": "success",
                     *           "error": "string",
                     *           "started_at": "2026-01-31T12:00:00.000Z",
                     *           "duration_ms": 1.84
                     *         }
                     *       ],
                     *       "error": "string",
                     *       "code": "function_error",
                     *       "input_size": 14,
                     *       "output_size": 25,
                     *       "input": "string",
                     *       "input_base64": "string",
                     *       "output": "string",
                     *       "output_base64": "string",
                     *       "callback": null,
                     *       "created_at": "2026-01-31T12:00:00.000Z",
                     *       "completed_at": "string"
                     *     }
                     */
                    "application/json": {
                        attempts: {
                            duration_ms: number;
                            error: string | null;
                            number: number;
                            started_at: string;
                            /** @enum {string} */
                            status: "success" | "error" | "timeout";
                        }[];
                        callback: {
                            /** @description Number of delivery attempts so far. */
                            attempts: number;
                            /** @description When the receiver responded with a 2xx status. */
                            delivered_at: string | null;
                            /** @description Error of the last attempt. */
                            last_error: string | null;
                            url: string;
                        } | null;
                        /**
                         * @description Of an invocation that failed: the error code that a waiting caller gets.
                         * @enum {string}
                         */
                        code?: "function_error" | "function_refused" | "function_timeout" | "expired" | "worker_died" | "cancelled" | "unavailable" | "quota_exceeded";
                        completed_at: string | null;
                        created_at: string;
                        error: string | null;
                        function: string;
                        /** @description The HTTP status of the response; 202 with `mode: async`. Null if no response was sent, as for a retried attempt or a replay. Absent in what did not come to an HTTP function. */
                        http_status?: number | null;
                        /** @description Null if it is not kept; in a list also if it is larger than 64 KB. */
                        input: string | null;
                        input_base64?: string;
                        input_size: number;
                        /** @description The message that triggered the invocation. */
                        message_id?: string;
                        /** @description The method of the request. Absent in what did not come to an HTTP function. */
                        method?: string;
                        namespace: string;
                        output: string | null;
                        output_base64?: string;
                        output_size: number | null;
                        /** @description The invocation that published the event, enqueued this invocation or was replayed as this one. */
                        parent_id: string | null;
                        request_id: string;
                        /** @description The matched route, such as `GET /users/{id}`; null for the function's own address. Absent in what did not come to an HTTP function. */
                        route?: string | null;
                        /** @enum {string} */
                        state: "queued" | "running" | "retrying" | "success" | "error" | "timeout" | "dead" | "cancelled";
                        /** @enum {string} */
                        trigger: "http" | "ws" | "pubsub" | "cron" | "async" | "replay";
                        trigger_depth: number;
                        version: number;
                    };
                    "text/event-stream": unknown;
                };
            };
            /** @description `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `insufficient_scope`: The key may not do this, or not with this function; the error names the scope. `forbidden`: The credential is valid but not for this namespace or action. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `not_found`: No such resource, or a private one of another namespace. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `rate_limited`: Too many requests in this minute; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    cancelInvocation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It ends cancelled. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70",
                     *       "state": "cancelled"
                     *     }
                     */
                    "application/json": {
                        request_id: string;
                        /** @constant */
                        state: "cancelled";
                    };
                };
            };
            /** @description `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `insufficient_scope`: The key may not do this, or not with this function; the error names the scope. `forbidden`: The credential is valid but not for this namespace or action. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `not_found`: No such resource, or a private one of another namespace. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `conflict`: The resource is in a state that does not allow this. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `rate_limited`: Too many requests in this minute; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    replayInvocation: {
        parameters: {
            query?: {
                /** @description The credential's own namespace. Only anonymous calls can select one; their default is `default`. */
                namespace?: string;
                /** @description The version to run: `pinned`, that of the original invocation (default), `newest`, or a number. */
                version?: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                /**
                 * @example {
                 *       "input": {
                 *         "name": "Grace"
                 *       }
                 *     }
                 */
                "application/json": {
                    /** @description Replaces the original input: a string is sent as its text, any other value as its exact JSON text. */
                    input?: unknown;
                    /**
                     * Format: base64
                     * @description The input as Base64; alternative to `input`.
                     */
                    input_base64?: string;
                };
            };
        };
        responses: {
            /** @description The new invocation. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "request_id": "0199c6a2-7f3e-7b1a-9c52-3d1e8f4a6b70"
                     *     }
                     */
                    "application/json": {
                        request_id: string;
                    };
                };
            };
            /** @description `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `insufficient_scope`: The key may not do this, or not with this function; the error names the scope. `forbidden`: The credential is valid but not for this namespace or action. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `not_found`: No such resource, or a private one of another namespace. `function_not_found`: No such function, or a private one of another namespace. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `conflict`: The resource is in a state that does not allow this. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `payload_too_large`: The body or module is larger than the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not the one this endpoint takes. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `queue_full`: The queue holds as many jobs or bytes as it may; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. `rate_limited`: Too many requests in this minute; see Retry-After. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `loop_detected`: The call comes from an invocation whose trigger depth is used up; it was not accepted. */
            508: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    publishMessage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "topic": "orders:created",
                 *       "data": {
                 *         "id": 42
                 *       }
                 *     }
                 */
                "application/json": {
                    data?: unknown;
                    /**
                     * Format: base64
                     * @description Bytes as Base64; a trigger receives them as JSON if they are valid JSON, otherwise as a string.
                     */
                    data_base64: string;
                    namespace?: string;
                    topic: string;
                } | {
                    /** @description Any JSON value; passed on verbatim. */
                    data: unknown;
                    data_base64?: unknown;
                    namespace?: string;
                    topic: string;
                };
            };
        };
        responses: {
            /** @description All triggered jobs are durable. */
            200: {
                headers: {
                    /** @description The message id; `message_id` lists the invocations that it triggered. */
                    "X-Message-ID"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok",
                     *       "triggered": -9007199254740991
                     *     }
                     */
                    "application/json": {
                        /** @constant */
                        status: "ok";
                        /** @description Number of triggered invocations: one per matching trigger. */
                        triggered: number;
                    };
                };
            };
            /** @description `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `forbidden`: The credential is valid but not for this namespace or action. `insufficient_scope`: The key may not do this, or not with this function; the error names the scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `payload_too_large`: The body or module is larger than the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not the one this endpoint takes. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `queue_full`: The queue holds as many jobs or bytes as it may; see Retry-After. `rate_limited`: Too many requests in this minute; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    publishMessages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "messages": [
                 *         {
                 *           "topic": "orders:created",
                 *           "data": {
                 *             "id": 42
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": {
                    messages: ({
                        data?: unknown;
                        /**
                         * Format: base64
                         * @description Bytes as Base64; a trigger receives them as JSON if they are valid JSON, otherwise as a string.
                         */
                        data_base64: string;
                        namespace?: string;
                        topic: string;
                    } | {
                        /** @description Any JSON value; passed on verbatim. */
                        data: unknown;
                        data_base64?: unknown;
                        namespace?: string;
                        topic: string;
                    })[];
                    namespace?: string;
                };
            };
        };
        responses: {
            /** @description All triggered jobs are durable. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok",
                     *       "count": 1
                     *     }
                     */
                    "application/json": {
                        /** @description Number of published messages. */
                        count: number;
                        /** @constant */
                        status: "ok";
                    };
                };
            };
            /** @description `invalid_request`: A parameter, header or body is malformed or out of range. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unauthorized`: No credential, or one that is wrong, expired or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `forbidden`: The credential is valid but not for this namespace or action. `insufficient_scope`: The key may not do this, or not with this function; the error names the scope. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `request_timeout`: The request came too slowly; the connection is closed. */
            408: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `payload_too_large`: The body or module is larger than the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unsupported_media_type`: The content type is not the one this endpoint takes. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `queue_full`: The queue holds as many jobs or bytes as it may; see Retry-After. `rate_limited`: Too many requests in this minute; see Retry-After. `quota_exceeded`: A quota of the namespace is used up; the sentence names quota, limit and use. Sizes and counts: 413. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `headers_too_large`: The request line and headers have more than 16 KB. */
            431: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `internal`: A fault of the engine; the log has the details. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            /** @description `unavailable`: A part the engine needs is down; nothing was accepted. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
}
