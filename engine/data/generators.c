/* Points in the plane, drawn from (seed, name): what a small network can be watched to separate.
 *
 * "NAME" or "NAME:key=value,...": n points in all, noise (standard deviation of what is added to
 * both coordinates; the flower's to angle and radius), classes, and what the shape itself has. */
#include "engine/data/parsers.h"

#include "engine/number.h"
#include "engine/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

typedef struct {
    double n, noise, classes;
    double extra; /* turns of a spiral, petals of a flower */
} generator_sizes;

/* A point of class `k` at position u in [0,1) along its curve, with two standard normals. */
typedef struct {
    double u, normal[2];
    int k;
} draw;

typedef struct {
    const char *name;
    generator_sizes usual;
    const char *extra; /* its key, or NULL */
    double extra_most; /* its largest value */
    void (*point)(const generator_sizes *sizes, const draw *d, double xy[2]);
} generator;

/* Centres on a circle of radius 3; noise is the clouds' standard deviation. */
static void blobs(const generator_sizes *sizes, const draw *d, double xy[2])
{
    double angle = 2 * pi * d->k / sizes->classes;
    xy[0] = 3 * cos(angle) + sizes->noise * d->normal[0];
    xy[1] = 3 * sin(angle) + sizes->noise * d->normal[1];
}

/* A chain of half circles, the odd ones hanging upside down into their neighbours. */
static void moons(const generator_sizes *sizes, const draw *d, double xy[2])
{
    double angle = pi * d->u;
    xy[0] = d->k + cos(angle) + sizes->noise * d->normal[0];
    xy[1] = (d->k % 2 ? 0.5 - sin(angle) : sin(angle)) + sizes->noise * d->normal[1];
}

/* Rings around each other, the outermost of radius 1. */
static void circles(const generator_sizes *sizes, const draw *d, double xy[2])
{
    double angle = 2 * pi * d->u, radius = 1 - d->k / sizes->classes;
    xy[0] = radius * cos(angle) + sizes->noise * d->normal[0];
    xy[1] = radius * sin(angle) + sizes->noise * d->normal[1];
}

/* Arms from the centre outwards: r = u, angle = turns * 2 pi u. */
static void spirals(const generator_sizes *sizes, const draw *d, double xy[2])
{
    double angle = 2 * pi * (sizes->extra * d->u + d->k / sizes->classes);
    xy[0] = d->u * cos(angle) + sizes->noise * d->normal[0];
    xy[1] = d->u * sin(angle) + sizes->noise * d->normal[1];
}

/* r = 4 sin(petals t), each class an equal range of t: the planar data of chapter 6. */
static void flower(const generator_sizes *sizes, const draw *d, double xy[2])
{
    double t = 2 * pi * (d->k + d->u) / sizes->classes + sizes->noise * d->normal[0];
    double radius = 4 * sin(sizes->extra * t) + sizes->noise * d->normal[1];
    xy[0] = radius * sin(t);
    xy[1] = radius * cos(t);
}

static const generator generators[] = {
    {"blobs", {1000, 0.8, 3, 0}, NULL, 0, blobs},
    {"moons", {1000, 0.15, 2, 0}, NULL, 0, moons},
    {"circles", {1000, 0.08, 2, 0}, NULL, 0, circles},
    {"spirals", {1000, 0.02, 3, 1}, "turns", 10, spirals},
    {"flower", {1000, 0.2, 2, 4}, "petals", 32, flower},
};

static const generator *find_generator(const char *source)
{
    for (size_t i = 0; i < sizeof generators / sizeof *generators; i++) {
        size_t length = strlen(generators[i].name);
        if (strncmp(source, generators[i].name, length) == 0 &&
            (source[length] == 0 || source[length] == ':'))
            return &generators[i];
    }
    return NULL;
}

bool nn_is_generator(const char *source)
{
    return find_generator(source) != NULL;
}

/* One "key=value" of `source`; `length` bytes at `text`. */
static nn_status read_size(const generator *g, const char *text, int length, generator_sizes *sizes,
                           nn_error *error)
{
    const struct {
        const char *key;
        double *value;
        double least, most;
        bool whole;
    } key[] = {{"n", &sizes->n, 10, 10e6, true},
               {"noise", &sizes->noise, 0, 10, false},
               {"classes", &sizes->classes, 2, 100, true},
               {g->extra, &sizes->extra, 0, g->extra_most, false}};
    const char *equals = memchr(text, '=', (size_t)length);
    int key_length = equals ? (int)(equals - text) : length;
    for (int i = 0; i < 4; i++) {
        if (!key[i].key || (int)strlen(key[i].key) != key_length ||
            strncmp(text, key[i].key, (size_t)key_length) != 0)
            continue;
        char number[32] = "";
        double value = 0;
        if (equals && length - key_length - 1 < (int)sizeof number)
            memcpy(number, equals + 1, (size_t)(length - key_length - 1));
        if (!nn_parse_number(number, &value) || !(value >= key[i].least && value <= key[i].most) ||
            (key[i].whole && value != floor(value)))
            return nn_fail(error, NN_E_ARG, "%s: '%.*s'; expected %s=%s from %g to %g", g->name,
                           length, text, key[i].key, key[i].whole ? "a whole number" : "a number",
                           key[i].least, key[i].most);
        *key[i].value = value;
        return NN_OK;
    }
    return nn_fail(error, NN_E_ARG, "%s: '%.*s' is no size of it; expected n, noise, classes%s%s",
                   g->name, length, text, g->extra ? ", " : "", g->extra ? g->extra : "");
}

static nn_status read_sizes(const generator *g, const char *text, generator_sizes *sizes,
                            nn_error *error)
{
    while (*text) {
        int length = (int)strcspn(text, ",");
        nn_status status = read_size(g, text, length, sizes, error);
        if (status != NN_OK)
            return status;
        text += length + (text[length] == ',');
    }
    if (sizes->n < 5 * sizes->classes)
        return nn_fail(error, NN_E_ARG, "%s: n=%g for %g classes; expected at least 5 a class",
                       g->name, sizes->n, sizes->classes);
    return NN_OK;
}

nn_status nn_generate(const char *source, uint64_t seed, nn_examples *examples, nn_error *error)
{
    const generator *g = find_generator(source);
    if (!g)
        return nn_fail(error, NN_E_MISSING, "%s: no such generator", source);
    if (strlen(source) > 200)
        return nn_fail(error, NN_E_ARG, "%s: %zu bytes of sizes; expected at most 200", g->name,
                       strlen(source));
    generator_sizes sizes = g->usual;
    const char *text = strchr(source, ':');
    nn_status status = read_sizes(g, text ? text + 1 : "", &sizes, error);
    if (status == NN_OK)
        status =
            nn_examples_alloc(examples, nn_shape1(2), (int64_t)sizes.n, NN_DOUBLES, g->name, error);
    if (status != NN_OK)
        return status;
    status = nn_examples_classes(examples, (int)sizes.classes, error);
    if (status != NN_OK) {
        nn_examples_free(examples);
        return status;
    }
    uint32_t stream = nn_stream_of(g->name);
    double *xy = examples->values;
    for (int64_t i = 0; i < examples->count; i++, xy += 2) {
        draw d = {.u = nn_uniform_at(seed, stream, 1, (uint32_t)i),
                  .normal = {nn_normal_at(seed, stream, 2, (uint32_t)(2 * i)),
                             nn_normal_at(seed, stream, 2, (uint32_t)(2 * i + 1))},
                  .k = (int)(i % examples->classes)};
        examples->label[i] = d.k;
        g->point(&sizes, &d, xy);
    }
    snprintf(examples->origin, sizeof examples->origin,
             "generated: %s, %.0f points, noise %g, %.0f classes, seed %llu", g->name, sizes.n,
             sizes.noise, sizes.classes, (unsigned long long)seed);
    return NN_OK;
}
