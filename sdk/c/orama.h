/* Functions of the engine for C, in one header without dependencies.
 *
 * Results are returned through the `_into` form of the host functions. A failed call returns NULL
 * or -1, and its reason is written to the invocation's log. Returned text ends with a zero byte,
 * belongs to the caller and is released with free(); since an invocation is short, this may be
 * omitted. */
#ifndef ORAMA_H
#define ORAMA_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORAMA_HOST(name) __attribute__((import_module("env"), import_name(name)))

typedef struct {
  char *data;
  size_t size;
} orama_bytes;

ORAMA_HOST("get_caller_wallet_into") int32_t orama_host_get_caller_wallet(char *out, size_t room);
ORAMA_HOST("get_request_id_into") int32_t orama_host_get_request_id(char *out, size_t room);
ORAMA_HOST("get_env_into") int32_t orama_host_get_env(const char *key, size_t key_len, char *out, size_t room);
ORAMA_HOST("get_secret_into") int32_t orama_host_get_secret(const char *name, size_t name_len, char *out, size_t room);
ORAMA_HOST("db_query_into")
int32_t orama_host_db_query(const char *sql, size_t sql_len, const char *args, size_t args_len, char *out, size_t room);
ORAMA_HOST("db_execute")
int32_t orama_host_db_execute(const char *sql, size_t sql_len, const char *args, size_t args_len);
ORAMA_HOST("cache_get_into") int32_t orama_host_cache_get(const char *key, size_t key_len, char *out, size_t room);
ORAMA_HOST("cache_set")
void orama_host_cache_set(const char *key, size_t key_len, const char *value, size_t value_len, int64_t ttl);
ORAMA_HOST("cache_incr_by") int64_t orama_host_cache_incr_by(const char *key, size_t key_len, int64_t delta);
ORAMA_HOST("cache_delete") int32_t orama_host_cache_delete(const char *key, size_t key_len);
ORAMA_HOST("http_fetch_into")
int32_t orama_host_http_fetch(const char *method, size_t method_len, const char *url, size_t url_len,
                              const char *headers, size_t headers_len, const char *body, size_t body_len, char *out,
                              size_t room);
ORAMA_HOST("http_request_into") int32_t orama_host_http_request(char *out, size_t room);
ORAMA_HOST("http_respond")
int32_t orama_host_http_respond(int32_t status, const char *headers, size_t headers_len);
ORAMA_HOST("http_start")
int32_t orama_host_http_start(const char *method, size_t method_len, const char *url, size_t url_len,
                              const char *headers, size_t headers_len, const char *body, size_t body_len);
ORAMA_HOST("http_next_into") int32_t orama_host_http_next(int32_t timeout_ms, char *out, size_t room);
ORAMA_HOST("pubsub_publish")
int32_t orama_host_publish(const char *topic, size_t topic_len, const char *data, size_t data_len);
ORAMA_HOST("enqueue_into")
int32_t orama_host_enqueue(const char *function, size_t function_len, const char *payload, size_t payload_len,
                           int64_t delay, char *out, size_t room);
ORAMA_HOST("storage_put_into") int32_t orama_host_storage_put(const char *data, size_t size, char *out, size_t room);
ORAMA_HOST("storage_get_into") int32_t orama_host_storage_get(const char *cid, size_t cid_len, char *out, size_t room);
ORAMA_HOST("log_debug") void orama_host_log_debug(const char *message, size_t length);
ORAMA_HOST("log_info") void orama_host_log_info(const char *message, size_t length);
ORAMA_HOST("log_warn") void orama_host_log_warn(const char *message, size_t length);
ORAMA_HOST("log_error") void orama_host_log_error(const char *message, size_t length);

/* Makes `call`, which writes to `out` of size `room`. If that is too small, repeats the call with a
 * larger buffer: the host has kept the result, so the operation runs only once. Returns {NULL, 0}
 * if there is no result. */
#define ORAMA_TAKE(call)                                                        \
  size_t room = 4096;                                                           \
  char *out = malloc(room + 1);                                                 \
  int32_t length = out ? (call) : -1;                                           \
  if (length > (int32_t)room) {                                                 \
    room = (size_t)length;                                                      \
    free(out);                                                                  \
    out = malloc(room + 1);                                                     \
    length = out ? (call) : -1;                                                 \
  }                                                                             \
  if (length < 0) {                                                             \
    free(out);                                                                  \
    return (orama_bytes){NULL, 0};                                              \
  }                                                                             \
  out[length] = 0;                                                              \
  return (orama_bytes){out, (size_t)length}

/* Returns the wallet of the caller's JWT; empty for API keys, public calls and events. */
static inline orama_bytes orama_caller_wallet(void) { ORAMA_TAKE(orama_host_get_caller_wallet(out, room)); }

/* Returns the id of this invocation. */
static inline orama_bytes orama_request_id(void) { ORAMA_TAKE(orama_host_get_request_id(out, room)); }

/* Returns a value of `env` in function.yaml; data is NULL if there is none. */
static inline orama_bytes orama_get_env(const char *key) {
  ORAMA_TAKE(orama_host_get_env(key, strlen(key), out, room));
}

/* Returns a secret of the function's namespace; data is NULL if there is none. */
static inline orama_bytes orama_get_secret(const char *name) {
  ORAMA_TAKE(orama_host_get_secret(name, strlen(name), out, room));
}

/* Runs a SELECT. Returns the rows as a JSON array of objects; `args` is a JSON array such as "[1,
 * \"a\"]". */
static inline orama_bytes orama_db_query(const char *sql, const char *args) {
  ORAMA_TAKE(orama_host_db_query(sql, strlen(sql), args, strlen(args), out, room));
}

/* Runs INSERT, UPDATE, DELETE or DDL. Returns the number of affected rows, or -1 on failure. */
static inline int32_t orama_db_execute(const char *sql, const char *args) {
  return orama_host_db_execute(sql, strlen(sql), args, strlen(args));
}

/* Returns the value of a key; data is NULL on a miss. */
static inline orama_bytes orama_cache_get(const char *key) {
  ORAMA_TAKE(orama_host_cache_get(key, strlen(key), out, room));
}

/* Stores a value for `ttl_seconds` seconds; 0 means no expiry, until it is evicted. */
static inline void orama_cache_set(const char *key, const char *value, size_t size, int64_t ttl_seconds) {
  orama_host_cache_set(key, strlen(key), value, size, ttl_seconds);
}

/* Adds to a counter atomically and returns the new value. A missing key counts as 0. */
static inline int64_t orama_cache_increment(const char *key, int64_t delta) {
  return orama_host_cache_incr_by(key, strlen(key), delta);
}

/* Deletes a key. Returns 1 if it existed. */
static inline int32_t orama_cache_delete(const char *key) { return orama_host_cache_delete(key, strlen(key)); }

/* Sends an HTTP request. Returns {"status":200,"headers":{..},"body":".."}, or
 * {"error":"..","status":0}; `headers` is a JSON object. Use orama_response_body to get the body as
 * bytes. */
static inline orama_bytes orama_http_fetch(const char *method, const char *url, const char *headers, const char *body) {
  ORAMA_TAKE(orama_host_http_fetch(method, strlen(method), url, strlen(url), headers, strlen(headers), body,
                                   strlen(body), out, room));
}

/* Finds a string member of a JSON object; `from` and `to` are the bounds of its text without
 * quotes. Returns 0 if there is none. */
static inline int orama_json_string(orama_bytes json, const char *name, char **from, char **to) {
  char *end = json.data + json.size, *last = NULL;
  size_t last_size = 0, wanted = strlen(name);
  int depth = 0, is_value = 0;
  for (char *at = json.data; at && at < end; at++) {
    if (*at == '{' || *at == '[') depth++;
    else if (*at == '}' || *at == ']') depth--;
    else if (*at == ',' && depth == 1) is_value = 0;
    else if (*at == ':' && depth == 1) is_value = last_size == wanted && memcmp(last, name, wanted) == 0;
    if (*at != '"') continue;
    char *start = ++at;
    while (at < end && *at != '"') at += *at == '\\' ? 2 : 1;
    if (depth != 1 || at >= end) continue;
    if (is_value) return *from = start, *to = at, 1;
    last = start, last_size = (size_t)(at - start);
  }
  return 0;
}

/* Encodes a code point as UTF-8. Returns the position of the next byte. */
static inline char *orama_put_utf8(char *out, uint32_t code) {
  int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  *out++ = (char)(more == 0 ? code : (0xf0 << (3 - more) & 0xff) | code >> 6 * more);
  while (more-- > 0) *out++ = (char)(0x80 | (code >> 6 * more & 0x3f));
  return out;
}

static inline uint32_t orama_hex4(const char *at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value = value << 4 | (uint32_t)(at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
  return value;
}

/* Returns the body of a response of orama_http_fetch as bytes and decodes Base64. The result points
 * into the response, which is overwritten; {NULL, 0} if there is none. */
static inline orama_bytes orama_response_body(orama_bytes answer) {
  char *from, *to, *out;
  if (orama_json_string(answer, "body_base64", &from, &to)) {
    uint32_t bits = 0;
    int held = 0;
    out = from;
    for (char *at = from; at < to; at++) {
      char c = *at;
      int six = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52
              : c == '+' ? 62 : c == '/' ? 63 : -1;
      if (six < 0) continue;
      bits = bits << 6 | (uint32_t)six;
      held += 6;
      if (held >= 8) held -= 8, *out++ = (char)(bits >> held);
    }
  } else if (orama_json_string(answer, "body", &from, &to)) {
    out = from;
    for (char *at = from; at < to; at++) {
      if (*at != '\\') {
        *out++ = *at;
        continue;
      }
      char c = *++at;
      if (c == 'u' && to - at > 4) {
        uint32_t code = orama_hex4(at + 1);
        at += 4;
        if (code >= 0xd800 && code < 0xdc00 && to - at > 6 && at[1] == '\\')
          code = 0x10000 + ((code - 0xd800) << 10) + (orama_hex4(at + 3) - 0xdc00), at += 6;
        out = orama_put_utf8(out, code);
      } else *out++ = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
    }
  } else {
    return (orama_bytes){NULL, 0};
  }
  return (orama_bytes){from, (size_t)(out - from)};
}

/* Publishes JSON to a topic of the namespace. Returns 1 once it is durable. */
static inline int32_t orama_publish(const char *topic, const char *json) {
  return orama_host_publish(topic, strlen(topic), json, strlen(json));
}

/* Enqueues an invocation of a function of the namespace. Returns its id. */
static inline orama_bytes orama_enqueue(const char *function, const char *json, int64_t delay_seconds) {
  ORAMA_TAKE(orama_host_enqueue(function, strlen(function), json, strlen(json), delay_seconds, out, room));
}

/* Stores a blob. Returns its CID. */
static inline orama_bytes orama_storage_put(const char *data, size_t size) {
  ORAMA_TAKE(orama_host_storage_put(data, size, out, room));
}

/* Returns a blob that this namespace has stored. */
static inline orama_bytes orama_storage_get(const char *cid) {
  ORAMA_TAKE(orama_host_storage_get(cid, strlen(cid), out, room));
}

static inline void orama_log_debug(const char *message) { orama_host_log_debug(message, strlen(message)); }
static inline void orama_log_info(const char *message) { orama_host_log_info(message, strlen(message)); }
static inline void orama_log_warn(const char *message) { orama_host_log_warn(message, strlen(message)); }
static inline void orama_log_error(const char *message) { orama_host_log_error(message, strlen(message)); }

/* Returns the invocation's whole input. data ends with a zero byte that is not counted. */
static inline orama_bytes orama_input(void) {
  size_t size = 0, room = 4096;
  char *data = malloc(room + 1);
  while (data) {
    size += fread(data + size, 1, room - size, stdin);
    if (size < room) {
      data[size] = 0;
      return (orama_bytes){data, size};
    }
    char *larger = realloc(data, room * 2 + 1);
    if (!larger) free(data);
    data = larger;
    room *= 2;
  }
  return (orama_bytes){NULL, 0};
}

/* JSON. Intended for requests, events and small inputs; use a library such as cJSON for whole
 * documents. */

static inline const char *orama_json_blanks(const char *at) {
  while (*at && (unsigned char)*at <= ' ') at++;
  return at;
}

/* Returns the end of the value that begins at `at`. */
static inline const char *orama_json_end(const char *at) {
  int depth = 0, in_string = 0;
  for (; *at; at++) {
    if (in_string) {
      if (*at == '\\' && at[1]) at++;
      else if (*at == '"') {
        in_string = 0;
        if (!depth) return at + 1;
      }
    } else if (*at == '"') in_string = 1;
    else if (*at == '{' || *at == '[') depth++;
    else if (*at == '}' || *at == ']') {
      if (!depth) return at;
      if (!--depth) return at + 1;
    } else if (*at == ',' && !depth) return at;
  }
  return at;
}

static inline unsigned orama_json_hex(const char *at) {
  unsigned value = 0;
  for (int i = 0; i < 4 && at[i]; i++) {
    int digit = at[i] <= '9' ? at[i] - '0' : (at[i] | 32) - 'a' + 10;
    value = value * 16 + (unsigned)(digit & 15);
  }
  return value;
}

static inline char *orama_json_utf8(char *out, unsigned code) {
  if (code < 0x80) *out++ = (char)code;
  else if (code < 0x800) *out++ = (char)(0xc0 | code >> 6);
  else if (code < 0x10000) *out++ = (char)(0xe0 | code >> 12);
  else *out++ = (char)(0xf0 | code >> 18);
  if (code >= 0x10000) *out++ = (char)(0x80 | (code >> 12 & 63));
  if (code >= 0x800) *out++ = (char)(0x80 | (code >> 6 & 63));
  if (code >= 0x80) *out++ = (char)(0x80 | (code & 63));
  return out;
}

/* Returns a value as text, a string without quotes and escapes; NULL if out of memory. */
static inline char *orama_json_text(const char *from, const char *end) {
  while (end > from && (unsigned char)end[-1] <= ' ') end--;
  char *text = malloc((size_t)(end - from) + 1), *out = text;
  if (!text) return NULL;
  if (*from != '"') {
    memcpy(text, from, (size_t)(end - from));
    text[end - from] = 0;
    return text;
  }
  for (from++; from < end - 1; from++) {
    if (*from != '\\') {
      *out++ = *from;
      continue;
    }
    switch (*++from) {
      case 'n': *out++ = '\n'; break;
      case 't': *out++ = '\t'; break;
      case 'r': *out++ = '\r'; break;
      case 'b': *out++ = '\b'; break;
      case 'f': *out++ = '\f'; break;
      case 'u': {
        if (end - from < 6) break;
        unsigned code = orama_json_hex(from + 1);
        from += 4;
        unsigned low = end - from > 7 && from[1] == '\\' && from[2] == 'u' ? orama_json_hex(from + 3) : 0;
        if (code >= 0xd800 && code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          from += 6;
        } else if (code >= 0xd800 && code < 0xe000) {
          code = 0xfffd;
        }
        out = orama_json_utf8(out, code);
        break;
      }
      default: *out++ = *from;
    }
  }
  *out = 0;
  return text;
}

/* Returns a member of a JSON object: a string without quotes and escapes, any other value as JSON
 * text, which can be queried again; NULL if there is none. */
static inline char *orama_json_get(const char *json, const char *key) {
  if (!json) return NULL;
  const char *at = orama_json_blanks(json);
  if (*at != '{') return NULL;
  at = orama_json_blanks(at + 1);
  while (*at == '"') {
    const char *name_end = orama_json_end(at);
    char *name = orama_json_text(at, name_end);
    int found = name && strcmp(name, key) == 0;
    free(name);
    at = orama_json_blanks(name_end);
    if (*at != ':') return NULL;
    at = orama_json_blanks(at + 1);
    const char *end = orama_json_end(at);
    if (found) return orama_json_text(at, end);
    at = orama_json_blanks(end);
    if (*at != ',') return NULL;
    at = orama_json_blanks(at + 1);
  }
  return NULL;
}

/* Returns an element of a JSON array in the format of orama_json_get; NULL if there is none. */
static inline char *orama_json_at(const char *json, size_t index) {
  if (!json) return NULL;
  const char *at = orama_json_blanks(json);
  if (*at != '[') return NULL;
  at = orama_json_blanks(at + 1);
  while (*at && *at != ']') {
    const char *end = orama_json_end(at);
    if (!index--) return orama_json_text(at, end);
    at = orama_json_blanks(end);
    if (*at != ',') return NULL;
    at = orama_json_blanks(at + 1);
  }
  return NULL;
}

/* Returns text as a JSON string, including its quotes. */
static inline char *orama_json_quote(const char *text) {
  char *quoted = malloc(strlen(text) * 6 + 3), *out = quoted;
  if (!quoted) return NULL;
  *out++ = '"';
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') *out++ = '\\';
    if ((unsigned char)*text < ' ') out += sprintf(out, "\\u%04x", *text);
    else *out++ = *text;
  }
  *out++ = '"';
  *out = 0;
  return quoted;
}

/* HTTP functions (`http:` in function.yaml) and concurrent requests. */

/* Returns the HTTP request of this invocation as JSON:
 * {"method":"GET","url":..,"path":..,"query":{"x":["1"]},"params":{..},"headers":{..},"remote_address":..,"namespace":..,"route":..};
 * data is NULL if it was not triggered by one. The body is the invocation's input. Read it with
 * orama_json_get:
 *
 * char *request = orama_http_request().data;
 * char *id = orama_json_get(orama_json_get(request, "params"), "id"); */
static inline orama_bytes orama_http_request_json(void) { ORAMA_TAKE(orama_host_http_request(out, room)); }
static inline orama_bytes orama_http_request(void) {
  orama_bytes request = orama_http_request_json();
  return request.size ? request : (orama_bytes){NULL, 0};
}

/* Sets the status and headers of the HTTP response; its body is the invocation's output. `headers`
 * is a JSON object whose values may be lists. The last call takes effect. Returns 1 on success. */
static inline int32_t orama_http_respond(int32_t status, const char *headers) {
  return orama_host_http_respond(status, headers, strlen(headers));
}

typedef struct {
  const char *method;
  const char *url;
  /* A JSON object; NULL for none. */
  const char *headers;
  /* NULL for none. */
  const char *body;
  /* Set by orama_fetch_all, in the format of orama_http_fetch; data is NULL if the request was
   * refused. */
  orama_bytes response;
} orama_fetch;

enum { ORAMA_MAX_PARALLEL = 64, ORAMA_NEXT_TIMEOUT_MS = 300000 };

static inline orama_bytes orama_http_next(int32_t timeout_ms) {
  ORAMA_TAKE(orama_host_http_next(timeout_ms, out, room));
}

static inline int32_t orama_fetch_start(const orama_fetch *fetch) {
  const char *headers = fetch->headers ? fetch->headers : "{}", *body = fetch->body ? fetch->body : "";
  return orama_host_http_start(fetch->method, strlen(fetch->method), fetch->url, strlen(fetch->url), headers,
                               strlen(headers), body, strlen(body));
}

/* Sends requests concurrently, at most 64 at once, and waits for all of them. */
static inline void orama_fetch_all(orama_fetch *fetches, size_t count) {
  struct {
    int32_t handle;
    orama_fetch *fetch;
  } waiting[ORAMA_MAX_PARALLEL];
  size_t flying = 0, started = 0;
  for (size_t i = 0; i < count; i++) fetches[i].response = (orama_bytes){NULL, 0};
  while (started < count || flying) {
    if (started < count && flying < ORAMA_MAX_PARALLEL) {
      int32_t handle = orama_fetch_start(&fetches[started]);
      if (handle > 0) {
        waiting[flying].handle = handle;
        waiting[flying++].fetch = &fetches[started];
      }
      started++;
      continue;
    }
    orama_bytes ended = orama_http_next(ORAMA_NEXT_TIMEOUT_MS);
    char *text = ended.size ? orama_json_get(ended.data, "handle") : NULL;
    if (!text) return;
    int32_t handle = (int32_t)strtol(text, NULL, 10);
    free(text);
    for (size_t i = 0; i < flying; i++) {
      if (waiting[i].handle != handle) continue;
      waiting[i].fetch->response = ended;
      waiting[i] = waiting[--flying];
      break;
    }
  }
}

#endif
