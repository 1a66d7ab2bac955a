#include <stdio.h>
#include <string.h>

#include "orama.h"

/* Runs once per invocation, in an instance of its own: stdin is the input, stdout the output. */
int main(void) {
  static char input[(1 << 20) + 1];
  size_t size = fread(input, 1, sizeof input - 1, stdin);
  input[size] = 0;

  char name[64] = "World";
  const char *found = strstr(input, "\"name\"");
  if (found) sscanf(found, "\"name\" : \"%63[^\"]", name);

  orama_log_info("greeting");
  printf("{\"greeting\":\"Hello, %s!\"}", name);
  return 0;
}
