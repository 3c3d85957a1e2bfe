#include "engine/loader.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { LOADER_THREADS = 64, AHEAD = 2 /* batches kept ready beside those under way */ };

typedef enum { EMPTY, WANTED, UNDER_WAY, READY } slot_state;

/* One batch: what it shall hold, and room for it. */
typedef struct {
    slot_state state;
    int64_t epoch;
    uint64_t index;
    int rows;
    uint32_t *examples; /* of the train part */
    nn_real *x, *targets;
    int32_t *labels;
} slot;

/* `lock` guards the slots' states, `ended`; the rest of a slot belongs to whoever moved it to
 * UNDER_WAY, or to the feeding thread while it is EMPTY or READY. Everything else is the feeding
 * thread's, or does not change. */
struct nn_loader {
    nn_loader_args args;
    nn_sampler sampler;
    int64_t count, row; /* of the train part; numbers of one example */
    int classes;
    nn_picture shape; /* of a picture, without pixels */
    double *unit;     /* natural brightness per channel */
    uint32_t *order;
    int64_t epoch; /* whose order it is; -1 none yet */

    slot *slots;
    int slot_count;
    nn_real **room; /* one picture for each thread and the caller */
    pthread_mutex_t lock;
    pthread_cond_t wanted, ready;
    pthread_t threads[LOADER_THREADS];
    int started;
    bool ended;
};

uint64_t nn_loader_batches(const nn_loader *loader)
{
    return (uint64_t)((loader->count + loader->args.batch - 1) / loader->args.batch);
}

int nn_loader_rows(const nn_loader *loader, uint64_t index)
{
    int64_t left = loader->count - (int64_t)index * loader->args.batch;
    return left < loader->args.batch ? (int)left : loader->args.batch;
}

/* --- one batch ------------------------------------------------------------------------------ */

static nn_augment_key key_of(const nn_loader *loader, const slot *s, int row)
{
    int64_t place = (int64_t)s->index * loader->args.batch + row;
    return (nn_augment_key){loader->args.seed, (uint64_t)s->epoch, (uint32_t)place};
}

/* Row i takes its share of row i+1, the last one of the first. `room` keeps the first. */
static void mix(const nn_loader *loader, const slot *s, nn_real *room)
{
    double n = nn_augmentation_mixup(&loader->args.augmentation);
    int classes = loader->classes;
    size_t bytes = (size_t)loader->row * sizeof(nn_real);
    memcpy(room, s->x, bytes);
    memset(s->targets, 0, (size_t)(s->rows * classes) * sizeof *s->targets);
    for (int i = 0; i < s->rows; i++) {
        int other = i + 1 < s->rows ? i + 1 : 0;
        nn_real share = (nn_real)nn_mixup_share(n, key_of(loader, s, i));
        nn_real *own = s->x + i * loader->row;
        const nn_real *more = other > 0 ? s->x + other * loader->row : room;
        for (int64_t k = 0; k < loader->row; k++)
            own[k] = share * own[k] + (1 - share) * more[k];
        s->targets[i * classes + s->labels[i]] += share;
        s->targets[i * classes + s->labels[other]] += 1 - share;
    }
}

static void prepare(const nn_loader *loader, const slot *s, nn_real *room)
{
    const nn_augmentation *changes = &loader->args.augmentation;
    nn_dataset_gather(loader->args.data, NN_TRAIN, s->examples, 0, s->rows, s->x, s->labels);
    if (changes->count == 0)
        return;
    nn_picture image = loader->shape;
    for (int i = 0; i < s->rows && image.channels > 0; i++) {
        image.pixel = s->x + i * loader->row;
        nn_augment(changes, image, loader->unit, key_of(loader, s, i), room);
    }
    if (nn_augmentation_mixup(changes) > 0)
        mix(loader, s, room);
}

/* Says what the slot shall hold. */
static void describe(nn_loader *loader, slot *s, int64_t epoch, uint64_t index)
{
    if (epoch != loader->epoch) {
        nn_sampler_order(&loader->sampler, (uint64_t)epoch, loader->order);
        loader->epoch = epoch;
    }
    s->epoch = epoch;
    s->index = index;
    s->rows = nn_loader_rows(loader, index);
    memcpy(s->examples, loader->order + index * (uint64_t)loader->args.batch,
           (size_t)s->rows * sizeof *s->examples);
}

/* --- threads -------------------------------------------------------------------------------- */

/* The wanted slot that will be fed first. */
static slot *most_urgent(nn_loader *loader)
{
    slot *best = NULL;
    for (int i = 0; i < loader->slot_count; i++) {
        slot *s = &loader->slots[i];
        if (s->state == WANTED && (!best || s->epoch < best->epoch ||
                                   (s->epoch == best->epoch && s->index < best->index)))
            best = s;
    }
    return best;
}

typedef struct {
    nn_loader *loader;
    nn_real *room;
} worker_start;

static void *work(void *context)
{
    worker_start start = *(worker_start *)context;
    nn_loader *loader = start.loader;
    free(context);
    pthread_mutex_lock(&loader->lock);
    while (!loader->ended) {
        slot *s = most_urgent(loader);
        if (!s) {
            pthread_cond_wait(&loader->wanted, &loader->lock);
            continue;
        }
        s->state = UNDER_WAY;
        pthread_mutex_unlock(&loader->lock);
        prepare(loader, s, start.room);
        pthread_mutex_lock(&loader->lock);
        s->state = READY;
        pthread_cond_broadcast(&loader->ready);
    }
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

static slot *find_slot(nn_loader *loader, int64_t epoch, uint64_t index)
{
    for (int i = 0; i < loader->slot_count; i++) {
        slot *s = &loader->slots[i];
        if (s->state != EMPTY && s->epoch == epoch && s->index == index)
            return s;
    }
    return NULL;
}

/* With the lock: every slot that is not needed for (epoch, index) and what follows becomes empty.
 * Those that threads work on are waited for. */
static void clear_slots(nn_loader *loader)
{
    for (int i = 0; i < loader->slot_count; i++) {
        while (loader->slots[i].state == UNDER_WAY)
            pthread_cond_wait(&loader->ready, &loader->lock);
        loader->slots[i].state = EMPTY;
    }
}

/* With the lock: asks for the batch and for those that follow it, as far as there are slots. */
static void ask_ahead(nn_loader *loader, int64_t epoch, uint64_t index)
{
    for (int i = 0; i < loader->slot_count; i++) {
        slot *empty = NULL;
        for (int k = 0; k < loader->slot_count && !empty; k++)
            if (loader->slots[k].state == EMPTY)
                empty = &loader->slots[k];
        if (!find_slot(loader, epoch, index) && empty) {
            describe(loader, empty, epoch, index);
            empty->state = WANTED;
        }
        if (++index == nn_loader_batches(loader)) {
            index = 0;
            epoch++;
        }
    }
    pthread_cond_broadcast(&loader->wanted);
}

/* The prepared batch; the caller sets it EMPTY (in `give_back`) when it has taken it. */
static slot *wait_for(nn_loader *loader, int64_t epoch, uint64_t index)
{
    pthread_mutex_lock(&loader->lock);
    slot *s = find_slot(loader, epoch, index);
    if (!s) { /* the first one, or the training went back */
        clear_slots(loader);
        ask_ahead(loader, epoch, index);
        s = find_slot(loader, epoch, index);
    }
    while (s->state != READY)
        pthread_cond_wait(&loader->ready, &loader->lock);
    pthread_mutex_unlock(&loader->lock);
    return s;
}

static void give_back(nn_loader *loader, slot *s)
{
    int64_t epoch = s->epoch;
    uint64_t next = s->index + 1;
    pthread_mutex_lock(&loader->lock);
    s->state = EMPTY;
    if (next == nn_loader_batches(loader)) {
        next = 0;
        epoch++;
    }
    ask_ahead(loader, epoch, next);
    pthread_mutex_unlock(&loader->lock);
}

int nn_loader_feed(nn_loader *loader, int64_t epoch, uint64_t index, nn_exec *exec,
                   const nn_network *network, const nn_node *targets, nn_error *error)
{
    int rows = nn_loader_rows(loader, index);
    nn_real *x = nn_exec_feed(exec, network->x);
    int32_t *labels = nn_exec_feed(exec, network->labels);
    nn_real *shares = targets ? nn_exec_feed(exec, targets) : NULL;
    if (nn_exec_rows(exec, rows, error) != NN_OK)
        return 0;
    if (loader->started == 0) { /* straight into the plan */
        slot s = loader->slots[0];
        s.x = x;
        s.labels = labels;
        s.targets = shares ? shares : s.targets;
        describe(loader, &s, epoch, index);
        prepare(loader, &s, loader->room[0]);
        return rows;
    }
    slot *s = wait_for(loader, epoch, index);
    memcpy(x, s->x, (size_t)(rows * loader->row) * sizeof *x);
    memcpy(labels, s->labels, (size_t)rows * sizeof *labels);
    if (shares)
        memcpy(shares, s->targets, (size_t)(rows * loader->classes) * sizeof *shares);
    give_back(loader, s);
    return rows;
}

/* --- making --------------------------------------------------------------------------------- */

static nn_status check(const nn_loader_args *args, nn_error *error)
{
    int64_t count = nn_dataset_count(args->data, NN_TRAIN);
    nn_shape sample = nn_dataset_sample(args->data);
    const nn_augmentation *changes = &args->augmentation;
    bool mixes = nn_augmentation_mixup(changes) > 0;
    if (count < 1)
        return nn_fail(error, NN_E_ARG,
                       "data '%s': the train part is empty; make the dev or test part smaller",
                       nn_dataset_name(args->data));
    if (count > UINT32_MAX)
        return nn_fail(error, NN_E_ARG, "data '%s': more than 2^32 examples",
                       nn_dataset_name(args->data));
    if (args->threads < 0 || args->threads > LOADER_THREADS)
        return nn_fail(error, NN_E_ARG, "loaders %d: expected 0 to %d", args->threads,
                       LOADER_THREADS);
    if (sample.rank != 3 && changes->count > mixes)
        return nn_fail(error, NN_E_ARG,
                       "augment: data '%s' has no images; only mixup changes other examples",
                       nn_dataset_name(args->data));
    return NN_OK;
}

/* Brightness and noise are meant where an image reaches from 0 to 1; these data are divided by
 * their standard deviation. */
static bool set_unit(nn_loader *loader)
{
    const double *mean, *std;
    int count = 0, channels = loader->shape.channels;
    nn_dataset_statistics(loader->args.data, &mean, &std, &count);
    loader->unit = malloc((size_t)(channels + 1) * sizeof *loader->unit);
    for (int c = 0; loader->unit && c < channels; c++)
        loader->unit[c] = count == channels && std[c] > 0 ? 1 / std[c] : 1;
    return loader->unit != NULL;
}

static bool make_slots(nn_loader *loader)
{
    size_t batch = (size_t)loader->args.batch, row = (size_t)loader->row;
    bool alone = loader->args.threads == 0, mixes = loader->args.augmentation.count > 0;
    int rooms = alone ? 1 : loader->args.threads;
    loader->slot_count = alone ? 1 : loader->args.threads + AHEAD;
    loader->slots = calloc((size_t)loader->slot_count, sizeof *loader->slots);
    loader->room = calloc((size_t)rooms + 1, sizeof *loader->room);
    bool memory = loader->slots && loader->room;
    for (int i = 0; memory && i < rooms; i++)
        memory = (loader->room[i] = malloc(row * sizeof **loader->room)) != NULL;
    for (int i = 0; memory && i < loader->slot_count; i++) {
        slot *s = &loader->slots[i];
        s->examples = malloc(batch * sizeof *s->examples);
        s->x = alone ? NULL : malloc(batch * row * sizeof *s->x);
        s->labels = alone ? NULL : malloc(batch * sizeof *s->labels);
        s->targets = mixes ? malloc(batch * (size_t)loader->classes * sizeof *s->targets) : NULL;
        memory = s->examples && (alone || (s->x && s->labels)) && (!mixes || s->targets);
    }
    return memory;
}

/* Signals belong to the threads of the program's face. */
static nn_status start_threads(nn_loader *loader, nn_error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < loader->args.threads; i++) {
        worker_start *start = malloc(sizeof *start);
        if (start)
            *start = (worker_start){loader, loader->room[i]};
        if (!start || pthread_create(&loader->threads[i], NULL, work, start) != 0) {
            free(start);
            break;
        }
        loader->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (loader->started < loader->args.threads)
        return nn_fail(error, NN_E_NOMEM, "loaders: only %d of %d threads could be made",
                       loader->started, loader->args.threads);
    return NN_OK;
}

nn_loader *nn_loader_new(const nn_loader_args *args, nn_error *error)
{
    if (check(args, error) != NN_OK)
        return NULL;
    nn_loader *loader = calloc(1, sizeof *loader);
    if (!loader) {
        nn_fail(error, NN_E_NOMEM, "loader: out of memory");
        return NULL;
    }
    nn_shape sample = nn_dataset_sample(args->data);
    loader->args = *args;
    loader->count = nn_dataset_count(args->data, NN_TRAIN);
    loader->row = nn_shape_count(sample);
    loader->classes = nn_dataset_classes(args->data);
    loader->epoch = -1;
    if (sample.rank == 3)
        loader->shape = (nn_picture){.channels = (int)sample.dim[0],
                                     .rows = (int)sample.dim[1],
                                     .columns = (int)sample.dim[2]};
    pthread_mutex_init(&loader->lock, NULL);
    pthread_cond_init(&loader->wanted, NULL);
    pthread_cond_init(&loader->ready, NULL);
    loader->order = malloc((size_t)loader->count * sizeof *loader->order);
    nn_status status =
        loader->order && set_unit(loader) && make_slots(loader)
            ? NN_OK
            : nn_fail(error, NN_E_NOMEM, "data '%s': no memory for the order of %lld examples",
                      nn_dataset_name(args->data), (long long)loader->count);
    if (status == NN_OK)
        status = nn_sampler_open(&loader->sampler, args->data, args->sampling, args->batch,
                                 args->seed, error);
    if (status == NN_OK)
        status = start_threads(loader, error);
    if (status == NN_OK)
        return loader;
    nn_loader_free(loader);
    return NULL;
}

static void end_threads(nn_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    loader->ended = true;
    pthread_cond_broadcast(&loader->wanted);
    pthread_mutex_unlock(&loader->lock);
    for (int i = 0; i < loader->started; i++)
        pthread_join(loader->threads[i], NULL);
}

void nn_loader_free(nn_loader *loader)
{
    if (!loader)
        return;
    end_threads(loader);
    for (int i = 0; i < loader->slot_count && loader->slots; i++) {
        free(loader->slots[i].examples);
        free(loader->slots[i].x);
        free(loader->slots[i].labels);
        free(loader->slots[i].targets);
    }
    for (int i = 0; loader->room && loader->room[i]; i++)
        free(loader->room[i]);
    free(loader->slots);
    free(loader->room);
    free(loader->order);
    free(loader->unit);
    nn_sampler_close(&loader->sampler);
    pthread_mutex_destroy(&loader->lock);
    pthread_cond_destroy(&loader->wanted);
    pthread_cond_destroy(&loader->ready);
    free(loader);
}
