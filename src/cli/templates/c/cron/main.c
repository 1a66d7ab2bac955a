#include "orama.h"

/*
 * Runs once per scheduled run, in its own instance: stdin contains the run, stdout is the output.
 */
int main(void) {
  orama_bytes input = orama_input();
  const char *due = orama_json_get(input.data, "scheduled_at");
  static char line[512];
  if (!due) {
    snprintf(line, sizeof line, "expected a scheduled run, and got: %.200s", input.data ? input.data : "");
    orama_log_error(line);
    return 65; /* exit codes 64–78 are not retried: the input is invalid */
  }
  long long runs = (long long)orama_cache_increment("runs", 1);
  const char *greeting = orama_get_env("GREETING").data;
  snprintf(line, sizeof line, "%s, due at %s", greeting ? greeting : "", due);
  orama_log_info(line);
  printf("{\"runs\":%lld}", runs);
  return 0;
}
