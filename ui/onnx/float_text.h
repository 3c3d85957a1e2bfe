/* Numbers of single precision as the shortest text that reads back to them; in every locale the
 * same, and many times faster than printf. Callable from any thread. */
#ifndef GRADUS_UI_ONNX_FLOAT_TEXT_H
#define GRADUS_UI_ONNX_FLOAT_TEXT_H

#include <stddef.h>

enum { ONNX_FLOAT_TEXT = 32 };

/* A finite number into `text`, without a final zero byte. Returns the length. */
size_t onnx_float_text(float value, char text[ONNX_FLOAT_TEXT]);

#endif
