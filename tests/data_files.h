/* Files for the tests of readers: a folder of one's own, and bytes in the formats read. */
#ifndef GRADUS_TESTS_DATA_FILES_H
#define GRADUS_TESTS_DATA_FILES_H

#include <stddef.h>
#include <stdint.h>

/* A buffer that grows; bytes NULL and size 0 at first. free(bytes). */
typedef struct {
    unsigned char *bytes;
    size_t size;
} test_bytes;
void bytes_add(test_bytes *to, const void *bytes, size_t size);

/* A new empty folder, and its removal with everything in it. */
void folder_make(char path[64]);
void folder_remove(const char *path);
void file_write(const char *folder, const char *name, const void *bytes, size_t size);
void file_write_packed(const char *folder, const char *name, const void *bytes, size_t size);

/* IDX of `rank` dimensions; `values` are their product in bytes. */
test_bytes idx_bytes(int rank, const uint32_t *dim, const uint8_t *values);
/* NPY version 1 to 3; `shape` as in Python ("(3, 4)"), `size` bytes of values. */
test_bytes npy_bytes(int version, const char *descr, const char *shape, const void *values,
                     size_t size);
/* channels 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. */
test_bytes png_bytes(int width, int height, int channels, const uint8_t *pixels);
/* channels 1 or 3; quality 95. */
test_bytes jpeg_bytes(int width, int height, int channels, const uint8_t *pixels);
/* 8-byte length and `header`, then `size` bytes of zeros. */
test_bytes safetensors_bytes(const char *header, size_t size);

/* A small generator of numbers, for mutations. */
uint32_t next_random(uint32_t *state);

#endif
