/* A runner in C: it does relu, and says so. One JSON object a line comes in, one goes out.
 *
 *     cc -O1 -o runner runner.c && refmem conform --exec ./runner
 *
 * No JSON library: the requests are machine-made, and of a relu task only the arrays "x" and "d_y" matter. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST (1 << 20)

static char line[LONGEST];

/* The text just behind `"name": ` at or after `from`, or NULL. */
static const char *behind(const char *from, const char *name)
{
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\": ", name);
    const char *found = from ? strstr(from, quoted) : NULL;
    return found ? found + strlen(quoted) : NULL;
}

/* Print `"name": ARRAY` with the dtype and shape of `array`, its numbers f(x) or f(x) * d. */
static void reply(const char *name, const char *array, const char *cotangent)
{
    const char *shape = behind(array, "shape"), *data = behind(array, "data");
    const char *dtype = behind(array, "dtype");
    printf("\"%s\": {\"dtype\": %.9s, \"shape\": %.*s, \"data\": [", name, dtype, (int)(strchr(shape, ']') - shape + 1),
           shape);
    const char *slopes = cotangent ? behind(cotangent, "data") + 1 : NULL;
    char *end;
    for (data++;; data = end + 1) {
        double x = strtod(data, &end);
        double y = x > 0 ? x : 0;
        if (slopes) {
            char *after;
            double d = strtod(slopes, &after);
            y = x > 0 ? d : 0;
            slopes = after + 1;
        }
        printf("%.17g%s", y, *end == ',' ? ", " : "]}");
        if (*end != ',')
            return;
    }
}

int main(void)
{
    while (fgets(line, sizeof line, stdin)) {
        if (strstr(line, "\"describe\"")) {
            printf("{\"name\": \"relu in C\", \"groups\": [\"relu\"]}");
        } else if (strstr(line, "\"stop\"")) {
            return 0;
        } else {
            const char *steps = behind(line, "steps"), *x = behind(steps, "x"), *d_y = behind(steps, "d_y");
            printf("{\"steps\": [{");
            reply("y", x, NULL);
            if (d_y) {
                printf(", ");
                reply("d_x", x, d_y);
            }
            printf("}]}");
        }
        putchar('\n');
        fflush(stdout);
    }
    return 0;
}
