#include "orama.h"

/*
 * Runs once per invocation, in its own instance. stdin contains the body of an HTTP request or the
 * input of any other invocation.
 */
int main(void) {
  orama_bytes input = orama_input();
  /* The body is empty or not JSON. */
  const char *name = orama_json_get(input.data, "name");
  const char *query = orama_json_get(orama_http_request().data, "query");
  if (!name || !*name) name = orama_json_at(orama_json_get(query, "name"), 0);
  if (!name || !*name) name = "World";

  orama_log_info("greeting");
  const char *greeting = orama_get_env("GREETING").data;
  size_t size = strlen(greeting ? greeting : "") + strlen(name) + 4;
  char *line = malloc(size);
  if (!line) return 1;
  snprintf(line, size, "%s, %s!", greeting ? greeting : "", name);
  orama_http_respond(200, "{\"content-type\":\"application/json\"}");
  printf("{\"greeting\":%s}", orama_json_quote(line));
  return 0;
}
