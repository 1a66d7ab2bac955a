// Made from the OpenAPI document by "npm run clients"; not to be edited.
export interface paths {
    "/v1/auth/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show whom the credential stands for */
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
         * @description A key needs the scope `invoke`.
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
         * List invocations: live ones first, then those that have ended, newest first
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
         * Show an invocation: its state, attempts and, while it is kept, its output
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
         * Run an invocation that has ended again, with its input or another
         * @description A dead one is dead no longer, and is replayed once. The input is kept as long as the result, of dead ones as long as they are; one of more than 1 KB whose function succeeded is not kept, and must be sent. A key needs the scope `invoke`.
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
         * Publish a message: fires triggers, and tells live subscribers
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
         * Publish up to 1000 messages: all of them, or none
         * @description Each is as if published alone, and they keep their order. One that is refused refuses them all, and the error names it. The body has at most 8 MB. A key needs the scope `publish`.
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
             * @description A stable word to match on.
             * @enum {string}
             */
            code: "invalid_request" | "invalid_manifest" | "invalid_module" | "invalid_sql" | "egress_refused" | "unauthorized" | "signature_invalid" | "forbidden" | "insufficient_scope" | "not_found" | "function_not_found" | "method_not_allowed" | "request_timeout" | "conflict" | "payload_too_large" | "unsupported_media_type" | "idempotency_mismatch" | "function_refused" | "upgrade_required" | "headers_too_large" | "rate_limited" | "quota_exceeded" | "queue_full" | "function_error" | "misconfigured" | "internal" | "not_implemented" | "unavailable" | "function_timeout" | "ambiguous_write" | "loop_detected" | "cancelled" | "build_failed" | "bad_config";
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
            /** @description The caller. */
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
                /** @description The credential's own namespace; chosen only by anonymous calls, whose default is `default`. */
                namespace?: string;
                /** @description Only those that died of this. */
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
            /** @description How many. */
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
                /** @description The credential's own namespace; chosen only by anonymous calls, whose default is `default`. */
                namespace?: string;
                /** @description Only those that died of this. */
                reason?: "error" | "timeout" | "expired" | "worker_died";
                /** @description Only these: up to 100 ids, separated by commas. Others among them are left alone. */
                request_id?: string;
                /** @description Which version runs: the one `pinned` when it was accepted (default), the `newest`, or a number. */
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
            /** @description How many. */
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
                /** @description The credential's own namespace; chosen only by anonymous calls, whose default is `default`. */
                namespace?: string;
            };
            header?: {
                /** @description The same key gives the same invocation and result for 24 hours; with another body it is 422. */
                "Idempotency-Key"?: string;
                /** @description `respond-async`: answer 202 at once; `wait=N`: answer 202 after N seconds without a result. */
                Prefer?: string;
                /** @description W3C trace context, passed on to the invocation. */
                Traceparent?: string;
                /** @description Async only: the result is POSTed there, signed with the callback secret of the namespace. */
                "X-Callback-Url"?: string;
                /** @description Async only: seconds before the first attempt. */
                "X-Delay-Seconds"?: number;
                /** @description An invocation older than this when its turn comes is dead, reason `expired`. */
                "X-Max-Age-Seconds"?: number;
                /** @description Equal values are given equal versions where an alias splits by weight. */
                "X-Orama-Sticky"?: string;
                /** @description The client's own id for the invocation, a new UUID. */
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
            /** @description Output that begins with `{` or `[` is the body as it is; any other comes wrapped. With `Accept: application/octet-stream`, the bare bytes. */
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
                        /** @description In place of `output` when the output is not UTF-8. */
                        output_base64?: string;
                        request_id: string;
                        /** @constant */
                        status: "success";
                    } | unknown;
                    "application/octet-stream": unknown;
                };
            };
            /** @description Accepted and durable; nobody waits for the result. */
            202: {
                headers: {
                    /** @description Where the invocation can be looked up. */
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
            /** @description The function refused its input: it ended with an exit code from 64 to 78. `idempotency_mismatch`: The Idempotency-Key was used before with another body. */
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
                        /** @description What the function wrote all the same; for callers with a credential. */
                        output?: string;
                        /** @description In place of `output` when that is not UTF-8. */
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
                        /** @description What the function wrote all the same; for callers with a credential. */
                        output?: string;
                        /** @description In place of `output` when that is not UTF-8. */
                        output_base64?: string;
                        request_id: string;
                        /** @enum {string} */
                        status: "error" | "timeout" | "cancelled";
                    };
                };
            };
            /** @description The function failed, retries included. `internal`: A fault of the engine; the log has the details. */
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
                        /** @description What the function wrote all the same; for callers with a credential. */
                        output?: string;
                        /** @description In place of `output` when that is not UTF-8. */
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
            /** @description The function ran into its timeout, retries included. */
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
                        /** @description What the function wrote all the same; for callers with a credential. */
                        output?: string;
                        /** @description In place of `output` when that is not UTF-8. */
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
                /** @description Accepted before this. */
                before?: string;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Server-sent events: the first page, and again whenever it has changed. */
                follow?: boolean;
                function?: string;
                limit?: number;
                /** @description What this message has fired. */
                message_id?: string;
                /** @description The credential's own namespace; chosen only by anonymous calls, whose default is `default`. */
                namespace?: string;
                /** @description What this invocation has caused. */
                parent_id?: string;
                /** @description Dead ones by what they died of. */
                reason?: "error" | "timeout" | "expired" | "worker_died";
                /** @description Accepted at or after this. */
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
                                /** @description Deliveries tried so far. */
                                attempts: number;
                                /** @description When the receiver answered with a 2xx. */
                                delivered_at: string | null;
                                /** @description Of the last attempt, when it failed. */
                                last_error: string | null;
                                url: string;
                            } | null;
                            completed_at: string | null;
                            created_at: string;
                            error: string | null;
                            function: string;
                            /** @description The status that the client was answered with; 202 with `mode: async`. Null when nobody was answered: an attempt that is retried, a replay. Absent in what did not come to an HTTP function. */
                            http_status?: number | null;
                            /** @description Null when it is not kept; in a list also when it is larger than 64 KB. */
                            input: string | null;
                            input_base64?: string;
                            input_size: number;
                            /** @description Of one that a message has fired: which. */
                            message_id?: string;
                            /** @description The method that the function was called with. Absent in what did not come to an HTTP function. */
                            method?: string;
                            namespace: string;
                            output: string | null;
                            output_base64?: string;
                            output_size: number | null;
                            /** @description The invocation that published, enqueued or was replayed into this one. */
                            parent_id: string | null;
                            request_id: string;
                            /** @description The route that matched, such as `GET /users/{id}`; null for the function's own address. Absent in what did not come to an HTTP function. */
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
                /** @description Server-sent events: the record, and again whenever it has changed. */
                follow?: boolean;
                /** @description The credential's own namespace; chosen only by anonymous calls, whose default is `default`. */
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
                            /** @description Deliveries tried so far. */
                            attempts: number;
                            /** @description When the receiver answered with a 2xx. */
                            delivered_at: string | null;
                            /** @description Of the last attempt, when it failed. */
                            last_error: string | null;
                            url: string;
                        } | null;
                        completed_at: string | null;
                        created_at: string;
                        error: string | null;
                        function: string;
                        /** @description The status that the client was answered with; 202 with `mode: async`. Null when nobody was answered: an attempt that is retried, a replay. Absent in what did not come to an HTTP function. */
                        http_status?: number | null;
                        /** @description Null when it is not kept; in a list also when it is larger than 64 KB. */
                        input: string | null;
                        input_base64?: string;
                        input_size: number;
                        /** @description Of one that a message has fired: which. */
                        message_id?: string;
                        /** @description The method that the function was called with. Absent in what did not come to an HTTP function. */
                        method?: string;
                        namespace: string;
                        output: string | null;
                        output_base64?: string;
                        output_size: number | null;
                        /** @description The invocation that published, enqueued or was replayed into this one. */
                        parent_id: string | null;
                        request_id: string;
                        /** @description The route that matched, such as `GET /users/{id}`; null for the function's own address. Absent in what did not come to an HTTP function. */
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
                /** @description The credential's own namespace; chosen only by anonymous calls, whose default is `default`. */
                namespace?: string;
                /** @description Which version runs: the one `pinned` when it was accepted (default), the `newest`, or a number. */
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
                    /** @description In place of the input it had: a string is the text itself, any other JSON value is sent as it is written. */
                    input?: unknown;
                    /**
                     * Format: base64
                     * @description The same as bytes; one of the two.
                     */
                    input_base64?: string;
                };
            };
        };
        responses: {
            /** @description The invocation it became. */
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
                     * @description Bytes; a trigger gets the JSON value they spell, else a string.
                     */
                    data_base64: string;
                    namespace?: string;
                    topic: string;
                } | {
                    /** @description Any JSON value; passed on as it is written, to the byte. */
                    data: unknown;
                    data_base64?: unknown;
                    namespace?: string;
                    topic: string;
                };
            };
        };
        responses: {
            /** @description Every job it fired is durable. */
            200: {
                headers: {
                    /** @description What it fired is listed by `message_id`. */
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
                        /** @description How many invocations it fired: one for each trigger. */
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
                         * @description Bytes; a trigger gets the JSON value they spell, else a string.
                         */
                        data_base64: string;
                        namespace?: string;
                        topic: string;
                    } | {
                        /** @description Any JSON value; passed on as it is written, to the byte. */
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
            /** @description Every job that they fired is durable. */
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
                        /** @description How many messages: all that were sent. */
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
