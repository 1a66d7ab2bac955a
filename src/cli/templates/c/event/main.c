#include "orama.h"

/* Runs once per event, in its own instance: stdin contains the event, stdout is the output. */
int main(void) {
  orama_bytes input = orama_input();
  const char *name = orama_json_get(orama_json_get(input.data, "data"), "name");
  static char line[1024];
  if (!name || !*name) {
    snprintf(line, sizeof line, "expected an event whose data has a name, and got: %.200s", input.data ? input.data : "");
    orama_log_error(line);
    return 65; /* exit codes 64–78 are not retried: the input is invalid */
  }

  snprintf(line, sizeof line, "guests:%s", name);
  long long count = (long long)orama_cache_increment(line, 1);
  const char *greeting = orama_get_env("GREETING").data;
  snprintf(line, sizeof line, "%s, %s!", greeting ? greeting : "", name);
  orama_log_info(line);

  const char *quoted = orama_json_quote(line);
  size_t size = strlen(quoted ? quoted : "") + 64;
  char *message = malloc(size);
  if (!quoted || !message) return 1;
  snprintf(message, size, "{\"greeting\":%s,\"count\":%lld}", quoted, count);
  if (!orama_publish("guests:greeted", message)) return 1; /* any other exit code is retried as configured in function.yaml */
  printf("{\"count\":%lld}", count);
  return 0;
}
