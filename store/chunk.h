/* The bytes of a chunk of points, and little-endian arrays in blobs. Pure functions; the format is
 * described with table `chunk` in schema.c. */
#ifndef GRADUS_STORE_CHUNK_H
#define GRADUS_STORE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHUNK_POINTS = 512,
    CHUNK_STEPS_BYTES = (CHUNK_POINTS - 1) * 10 /* room for the longest differences */
};

/* Write count - 1 step differences; 0 bytes when every difference is 1 (stored as NULL). `steps`
 * ascend, count is 1..CHUNK_POINTS. Returns the bytes used. */
size_t chunk_encode_steps(const uint64_t *steps, int64_t count, uint8_t *bytes);
/* The inverse; bytes NULL: consecutive. False when the bytes are not `count` ascending steps. */
bool chunk_decode_steps(const uint8_t *bytes, size_t size, uint64_t first, int64_t count,
                        uint64_t *steps);

/* Turn an array of `count` numbers of `width` bytes (4 or 8) between the machine's order and
 * little-endian, in place; does nothing where that is the same. */
void chunk_little_endian(void *numbers, size_t count, size_t width);

#endif
