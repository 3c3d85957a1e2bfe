/* What the files of lab.c and lab_train.c share. Private to lessons/. */
#ifndef GRADUS_LESSONS_LAB_INTERNAL_H
#define GRADUS_LESSONS_LAB_INTERNAL_H

#include "lessons/lab.h"

#include <pthread.h>
#include <stdatomic.h>

enum { LAB_RUNS = 256 };

struct lab {
    const lesson *from;
    const lesson_lab *what;
    bool quick;
    int threads;
    uint64_t seed;
    double value[LESSON_CONTROLS];
    lab_sink sink;
    atomic_bool cancelled;

    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t free;  /* nobody holds the trainer any more */
    nn_trainer *trainer;
    int holders;
    lesson_number number[LAB_NUMBERS];
    int numbers;
    lab_image image[LAB_PICTURES];
    int images;
    lab_line line[LAB_CURVES];
    int lines, room[LAB_CURVES];
    int64_t run[LAB_RUNS];
    int runs;
};

#endif
