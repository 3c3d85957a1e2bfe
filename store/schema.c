/* The schema, with the words that explain it: SQLite keeps the comments, so `.schema` and
 * `SELECT sql FROM sqlite_schema` show them to people who query the file.
 *
 * Conventions: times are Unix milliseconds (.._ms); steps count from 1, "step 0" is before the
 * first; errors are shares of wrong answers, 0..1; a number that is not known, or is NaN, is NULL;
 * blobs are arrays of little-endian numbers without a header. */
#include "store/schema.h"

static const char *const version_1[] = {
    "CREATE TABLE dataset (\n"
    "  -- data that runs were trained on; two runs compare only where the fingerprint is equal\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  name TEXT NOT NULL,\n"
    "  fingerprint TEXT NOT NULL,  -- over content and split\n"
    "  classes INTEGER NOT NULL,\n"
    "  UNIQUE (name, fingerprint)\n"
    ")",

    "CREATE TABLE dataset_class (\n"
    "  dataset INTEGER NOT NULL REFERENCES dataset(id) ON DELETE CASCADE,\n"
    "  label INTEGER NOT NULL,  -- 0, 1, ...\n"
    "  name TEXT NOT NULL,\n"
    "  PRIMARY KEY (dataset, label)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE run (\n"
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "  name TEXT NOT NULL UNIQUE,\n"
    "  parent INTEGER REFERENCES run(id) ON DELETE SET NULL,  -- branched from\n"
    "  parent_step INTEGER,\n"
    "  dataset INTEGER REFERENCES dataset(id),\n"
    "  model TEXT NOT NULL,\n"
    "  optimizer TEXT NOT NULL,\n"
    "  schedule TEXT NOT NULL,\n"
    "  command_line TEXT NOT NULL,\n"
    "  note TEXT NOT NULL DEFAULT '',\n"
    "  seed INTEGER NOT NULL,  -- 64 bits; above 2^63 it shows as negative\n"
    "  batch INTEGER NOT NULL,\n"
    "  epochs INTEGER NOT NULL,\n"
    "  shards INTEGER NOT NULL,\n"
    "  threads INTEGER NOT NULL,\n"
    "  parameters INTEGER NOT NULL,\n"
    "  multiply_adds INTEGER NOT NULL,  -- of one example, forward\n"
    "  steps_per_epoch INTEGER NOT NULL,\n"
    "  total_steps INTEGER NOT NULL,\n"
    "  -- as last written by its process. 'running' and 'paused' hold only while that process "
    "lives\n"
    "  -- and heartbeat_ms is younger than 10 s: otherwise the run has crashed\n"
    "  state TEXT NOT NULL CHECK\n"
    "    (state IN ('running', 'paused', 'finished', 'stopped', 'diverged', 'failed')),\n"
    "  message TEXT NOT NULL DEFAULT '',  -- why it failed or diverged\n"
    "  started_ms INTEGER NOT NULL,\n"
    "  ended_ms INTEGER,\n"
    "  heartbeat_ms INTEGER NOT NULL,\n"
    "  -- the process that trains: pid means something only within pid_space (boot and namespace)\n"
    "  host TEXT NOT NULL,\n"
    "  boot TEXT NOT NULL,\n"
    "  pid_space TEXT NOT NULL,\n"
    "  pid INTEGER NOT NULL,\n"
    "  pid_started INTEGER NOT NULL,  -- start time in clock ticks since boot: guards against "
    "reuse\n"
    "  segment INTEGER NOT NULL,  -- the newest segment's number\n"
    "  -- where it stands\n"
    "  step INTEGER NOT NULL DEFAULT 0,\n"
    "  epoch INTEGER NOT NULL DEFAULT 0,  -- epochs done\n"
    "  seconds REAL NOT NULL DEFAULT 0,  -- of training, all segments\n"
    "  examples_per_s REAL,\n"
    "  lr REAL,\n"
    "  train_loss REAL, train_error REAL,  -- of the last epoch\n"
    "  dev_loss REAL, dev_error REAL,\n"
    "  best_dev_error REAL, best_epoch INTEGER NOT NULL DEFAULT 0,\n"
    "  test_error REAL\n"
    ")",

    "CREATE TABLE segment (\n"
    "  -- one stretch of training in one process: 1 when the run began, one more at each resume.\n"
    "  -- What had been recorded after start_step was replaced by what this segment recorded\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  number INTEGER NOT NULL,\n"
    "  start_step INTEGER NOT NULL,\n"
    "  started_ms INTEGER NOT NULL,\n"
    "  host TEXT NOT NULL,\n"
    "  pid INTEGER NOT NULL,\n"
    "  command_line TEXT NOT NULL,\n"
    "  PRIMARY KEY (run, number)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE param (\n"
    "  -- what was chosen for a run. A number stands in number, anything else in text\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  key TEXT NOT NULL,\n"
    "  number REAL,\n"
    "  text TEXT,\n"
    "  PRIMARY KEY (run, key)\n"
    ") WITHOUT ROWID",
    "CREATE INDEX param_number ON param (key, number)",

    "CREATE TABLE metric (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  name TEXT NOT NULL UNIQUE,\n"
    "  every TEXT NOT NULL CHECK (every IN ('step', 'epoch')),\n"
    "  goal TEXT CHECK (goal IN ('min', 'max'))  -- which values are better; NULL: neither\n"
    ")",
    "INSERT INTO metric (name, every, goal) VALUES\n"
    "  ('loss', 'step', 'min'), ('error', 'step', 'min'), ('gradient_norm', 'step', NULL),\n"
    "  ('lr', 'step', NULL), ('update_ratio', 'step', NULL),\n"
    "  ('train_loss', 'epoch', 'min'), ('train_error', 'epoch', 'min'),\n"
    "  ('dev_loss', 'epoch', 'min'), ('dev_error', 'epoch', 'min'),\n"
    "  ('examples_per_s', 'epoch', 'max')",

    "CREATE TABLE chunk (\n"
    "  -- the points of a curve, up to 512 a row, in step order; only the last row of a curve is\n"
    "  -- ever rewritten\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  metric INTEGER NOT NULL REFERENCES metric(id),\n"
    "  number INTEGER NOT NULL,  -- 0, 1, ...; ascending, there may be gaps\n"
    "  first_step INTEGER NOT NULL,\n"
    "  last_step INTEGER NOT NULL,\n"
    "  count INTEGER NOT NULL,\n"
    "  point_values BLOB NOT NULL,  -- count IEEE 754 doubles; NaN and infinity are kept\n"
    "  -- NULL: the steps are first_step, first_step + 1, ... Else count - 1 differences to the\n"
    "  -- step before, each in 7-bit groups, lowest first, the high bit says that more follow\n"
    "  point_steps BLOB,\n"
    "  PRIMARY KEY (run, metric, number)\n"
    ")",

    "CREATE TABLE summary (\n"
    "  -- of all points of a curve, written with them\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  metric INTEGER NOT NULL REFERENCES metric(id),\n"
    "  count INTEGER NOT NULL,\n"
    "  nan_count INTEGER NOT NULL,  -- points that are NaN or infinite\n"
    "  first_nan_step INTEGER,\n"
    "  last REAL, last_step INTEGER NOT NULL,\n"
    "  min REAL, min_step INTEGER,  -- of the finite points\n"
    "  max REAL, max_step INTEGER,\n"
    "  PRIMARY KEY (run, metric)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE event (\n"
    "  -- what happened to a run, in order; with the seed, the 'applied' ones replay it\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  segment INTEGER NOT NULL,\n"
    "  step INTEGER NOT NULL,\n"
    "  time_ms INTEGER NOT NULL,\n"
    "  kind TEXT NOT NULL,  -- applied refused nonfinite checkpoint state note resumed\n"
    "  key TEXT NOT NULL DEFAULT '',  -- 'lr', 'pause', 'best' ...\n"
    "  old REAL,  -- of a checkpoint: the digest of the file's content\n"
    "  new REAL,\n"
    "  text TEXT NOT NULL DEFAULT '',\n"
    "  -- 0: part of the run's history. Else the segment that began before this event happened\n"
    "  -- and so replaced it\n"
    "  replaced_by INTEGER NOT NULL DEFAULT 0\n"
    ")",
    "CREATE INDEX event_run ON event (run, id)",

    "CREATE TABLE checkpoint (\n"
    "  -- what each checkpoint file of a run holds now\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  path TEXT NOT NULL,\n"
    "  kind TEXT NOT NULL,  -- last best\n"
    "  segment INTEGER NOT NULL,\n"
    "  step INTEGER NOT NULL,\n"
    "  dev_error REAL,\n"
    "  time_ms INTEGER NOT NULL,\n"
    "  PRIMARY KEY (run, path)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE evaluation (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  part TEXT NOT NULL CHECK (part IN ('train', 'dev', 'test')),\n"
    "  step INTEGER NOT NULL,\n"
    "  epoch INTEGER NOT NULL,\n"
    "  classes INTEGER NOT NULL,\n"
    "  count INTEGER NOT NULL,\n"
    "  loss REAL,\n"
    "  error REAL,\n"
    "  confusion BLOB  -- classes x classes int32, row = truth, column = prediction\n"
    ")",
    "CREATE INDEX evaluation_run ON evaluation (run, part, step)",

    "CREATE TABLE prediction (\n"
    "  -- every answer of the last evaluation of a part\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  part TEXT NOT NULL CHECK (part IN ('train', 'dev', 'test')),\n"
    "  step INTEGER NOT NULL,\n"
    "  count INTEGER NOT NULL,\n"
    "  example BLOB NOT NULL,  -- count int64: stable index of the example in its source\n"
    "  truth BLOB NOT NULL,  -- count int32; -1 not known\n"
    "  predicted BLOB NOT NULL,  -- count int32\n"
    "  probability BLOB NOT NULL,  -- count float32: of the predicted class\n"
    "  truth_probability BLOB NOT NULL,  -- count float32: of the true class\n"
    "  PRIMARY KEY (run, part)\n"
    ")",

    "CREATE TABLE command (\n"
    "  -- left by another process for the one that trains the run, which takes it within a second\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  kind TEXT NOT NULL,  -- pause resume step epoch stop set ...\n"
    "  name TEXT NOT NULL DEFAULT '',  -- of set: lr momentum clip dropout l2\n"
    "  value REAL,\n"
    "  at_step INTEGER NOT NULL DEFAULT 0,  -- 0: as soon as possible\n"
    "  left_ms INTEGER NOT NULL,\n"
    "  taken_ms INTEGER\n"
    ")",
    "CREATE INDEX command_waiting ON command (run) WHERE taken_ms IS NULL",

    "CREATE VIEW run_metric AS\n"
    "  -- every metric of every run by name: SELECT * FROM run_metric WHERE metric = 'dev_error'\n"
    "  SELECT run.id AS run, run.name AS name, metric.name AS metric, summary.count,\n"
    "         summary.nan_count, summary.last, summary.last_step, summary.min, summary.min_step,\n"
    "         summary.max, summary.max_step\n"
    "  FROM summary JOIN run ON run.id = summary.run JOIN metric ON metric.id = summary.metric",
};

/* Comments of added columns stand in slash-star: SQLite puts the text in the middle of its own. */
static const char *const version_2[] = {
    "ALTER TABLE run ADD COLUMN archived_ms INTEGER "
    "/* when it was put aside: lists leave it out unless asked */",
    "ALTER TABLE run ADD COLUMN deleted_ms INTEGER "
    "/* when it was deleted: it can be brought back until the store is compacted */",
    "ALTER TABLE run ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 "
    "/* 1: stays on top of lists */",
    "ALTER TABLE run ADD COLUMN latency_ms REAL "
    "/* of one example forward, one thread, median; measured when the training ends */",
    "ALTER TABLE run ADD COLUMN memory_bytes INTEGER "
    "/* that the plan for one example needs: weights and activations */",

    "CREATE TABLE run_tag (\n"
    "  -- words people put on runs\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  name TEXT NOT NULL UNIQUE COLLATE NOCASE,\n"
    "  colour TEXT NOT NULL DEFAULT 'plain'  -- plain blue orange white violet\n"
    ")",

    "CREATE TABLE run_tag_of (\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  tag INTEGER NOT NULL REFERENCES run_tag(id) ON DELETE CASCADE,\n"
    "  PRIMARY KEY (run, tag)\n"
    ") WITHOUT ROWID",
    "CREATE INDEX run_tag_of_tag ON run_tag_of (tag)",

    "CREATE TABLE saved_view (\n"
    "  -- how a list is to be shown: rules, not content, so that new runs that fit appear in it\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  screen TEXT NOT NULL,  -- runs\n"
    "  name TEXT NOT NULL COLLATE NOCASE,\n"
    "  query TEXT NOT NULL,  -- one rule a line: 'filter dev_error < 0.1', 'sort -id' ...\n"
    "  saved_ms INTEGER NOT NULL,\n"
    "  UNIQUE (screen, name)\n"
    ")",
};

static const char *const version_3[] = {
    "CREATE TABLE study (\n"
    "  -- a search for hyperparameters\n"
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "  name TEXT NOT NULL UNIQUE,\n"
    "  space TEXT NOT NULL,  -- 'lr=log(1e-4,1) batch=choice(32,64)'\n"
    "  objective TEXT NOT NULL,  -- a metric of every epoch\n"
    "  direction TEXT NOT NULL CHECK (direction IN ('min', 'max')),\n"
    "  sampler TEXT NOT NULL,  -- grid random sobol tpe zoom\n"
    "  pruner TEXT NOT NULL,  -- none, median:5,1, asha:3,1\n"
    "  seed INTEGER NOT NULL,  -- of the sampler; as run.seed\n"
    "  trials INTEGER NOT NULL,  -- that the sampler may propose; 0: no limit\n"
    "  hours REAL NOT NULL,  -- of work; 0: no limit\n"
    "  command_line TEXT NOT NULL,\n"
    "  note TEXT NOT NULL DEFAULT '',\n"
    "  created_ms INTEGER NOT NULL,\n"
    "  worked_ms INTEGER NOT NULL DEFAULT 0,  -- while any process worked on it\n"
    "  beat_ms INTEGER NOT NULL DEFAULT 0  -- when one last did\n"
    ")",

    "CREATE TABLE study_option (\n"
    "  -- what its trainings have in common; a number stands in number, anything else in text\n"
    "  study INTEGER NOT NULL REFERENCES study(id) ON DELETE CASCADE,\n"
    "  key TEXT NOT NULL,\n"
    "  number REAL,\n"
    "  text TEXT,\n"
    "  PRIMARY KEY (study, key)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE trial (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  study INTEGER NOT NULL REFERENCES study(id) ON DELETE CASCADE,\n"
    "  number INTEGER NOT NULL,  -- 1, 2, ...\n"
    "  -- 'running' holds only while the process below lives; a queued trial with a run goes on\n"
    "  -- from that run's checkpoint\n"
    "  state TEXT NOT NULL CHECK (state IN\n"
    "    ('queued', 'running', 'paused', 'finished', 'pruned', 'failed', 'killed')),\n"
    "  origin TEXT NOT NULL,  -- sampler hand clone promote\n"
    "  source INTEGER REFERENCES trial(id) ON DELETE SET NULL,  -- cloned or promoted from\n"
    "  run INTEGER REFERENCES run(id) ON DELETE SET NULL,\n"
    "  epochs INTEGER NOT NULL DEFAULT 0,  -- planned; 0: as the study says\n"
    "  epoch INTEGER NOT NULL DEFAULT 0,  -- done\n"
    "  value REAL,  -- the best of its epochs; NULL where it failed\n"
    "  reason TEXT NOT NULL DEFAULT '',  -- why it was pruned or failed\n"
    "  wish TEXT NOT NULL DEFAULT '',  -- 'pause' or 'kill', for the process that trains it\n"
    "  created_ms INTEGER NOT NULL,\n"
    "  started_ms INTEGER,\n"
    "  ended_ms INTEGER,\n"
    "  -- the process that works on it, as in table run\n"
    "  heartbeat_ms INTEGER NOT NULL DEFAULT 0,\n"
    "  host TEXT NOT NULL DEFAULT '',\n"
    "  boot TEXT NOT NULL DEFAULT '',\n"
    "  pid_space TEXT NOT NULL DEFAULT '',\n"
    "  pid INTEGER NOT NULL DEFAULT 0,\n"
    "  pid_started INTEGER NOT NULL DEFAULT 0,\n"
    "  UNIQUE (study, number)\n"
    ")",
    "CREATE INDEX trial_run ON trial (run)",

    "CREATE TABLE trial_param (\n"
    "  -- a trial's point in the space; a word of a choice stands in text\n"
    "  trial INTEGER NOT NULL REFERENCES trial(id) ON DELETE CASCADE,\n"
    "  name TEXT NOT NULL,\n"
    "  number REAL,\n"
    "  text TEXT,\n"
    "  PRIMARY KEY (trial, name)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE trial_value (\n"
    "  -- the objective after each epoch\n"
    "  trial INTEGER NOT NULL REFERENCES trial(id) ON DELETE CASCADE,\n"
    "  epoch INTEGER NOT NULL,\n"
    "  value REAL,\n"
    "  PRIMARY KEY (trial, epoch)\n"
    ") WITHOUT ROWID",
};

static const char *const version_4[] = {
    "ALTER TABLE dataset ADD COLUMN content TEXT NOT NULL DEFAULT '' "
    "/* checksum without split and fixes; '': the fingerprint stands for it */",

    "CREATE TABLE tag (\n"
    "  -- of examples; it belongs to the data, whatever run was looked at\n"
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "  content TEXT NOT NULL,  -- as dataset.content, here and below\n"
    "  name TEXT NOT NULL COLLATE NOCASE,\n"
    "  colour TEXT NOT NULL,\n"
    "  effort TEXT NOT NULL DEFAULT '',  -- of fixing it: '2 h', 'hard'\n"
    "  position INTEGER NOT NULL,  -- 1, 2, ...\n"
    "  UNIQUE (content, name)\n"
    ")",

    "CREATE TABLE example_tag (\n"
    "  tag INTEGER NOT NULL REFERENCES tag(id) ON DELETE CASCADE,\n"
    "  example INTEGER NOT NULL,  -- stable index in the source, here and below\n"
    "  PRIMARY KEY (tag, example)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE example_note (\n"
    "  content TEXT NOT NULL,\n"
    "  example INTEGER NOT NULL,\n"
    "  text TEXT NOT NULL,\n"
    "  PRIMARY KEY (content, example)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE label_fix (\n"
    "  -- labels that are wrong in the source; later runs take them as fixed\n"
    "  content TEXT NOT NULL,\n"
    "  example INTEGER NOT NULL,\n"
    "  old_label INTEGER NOT NULL,\n"
    "  new_label INTEGER NOT NULL,  -- -1: not known, the example is left out\n"
    "  made_ms INTEGER NOT NULL,\n"
    "  who TEXT NOT NULL,\n"
    "  rule TEXT NOT NULL,  -- by which dev and test were looked through alike; '': neither was\n"
    "  PRIMARY KEY (content, example)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE run_label_fix (\n"
    "  -- the fixes that a run was trained and judged with, as they were then\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  example INTEGER NOT NULL,\n"
    "  old_label INTEGER NOT NULL,\n"
    "  new_label INTEGER NOT NULL,\n"
    "  PRIMARY KEY (run, example)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE analysis (\n"
    "  -- a random sample of the errors of a run\n"
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "  run INTEGER NOT NULL REFERENCES run(id) ON DELETE CASCADE,\n"
    "  part TEXT NOT NULL CHECK (part IN ('train', 'dev', 'test')),\n"
    "  seed INTEGER NOT NULL,  -- as run.seed\n"
    "  errors INTEGER NOT NULL,  -- in the part, when it was drawn\n"
    "  total INTEGER NOT NULL,  -- examples of the part\n"
    "  made_ms INTEGER NOT NULL\n"
    ")",
    "CREATE INDEX analysis_run ON analysis (run)",

    "CREATE TABLE analysis_example (\n"
    "  analysis INTEGER NOT NULL REFERENCES analysis(id) ON DELETE CASCADE,\n"
    "  place INTEGER NOT NULL,  -- in the order they were drawn\n"
    "  example INTEGER NOT NULL,\n"
    "  seen_ms INTEGER,  -- when somebody looked at it; NULL: not yet\n"
    "  PRIMARY KEY (analysis, place)\n"
    ") WITHOUT ROWID",

    "CREATE TABLE example_journal (\n"
    "  -- every change of the tables above, for undo and redo: one row a row that changed\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  content TEXT NOT NULL,\n"
    "  journal TEXT NOT NULL,  -- whose steps these are\n"
    "  step INTEGER NOT NULL,  -- rows of one step stand or fall together\n"
    "  kind TEXT NOT NULL CHECK (kind IN ('tag', 'of', 'note', 'fix')),\n"
    "  tag INTEGER NOT NULL,\n"
    "  example INTEGER NOT NULL,\n"
    "  before TEXT,  -- columns joined by tabs; NULL: no such row\n"
    "  after TEXT,\n"
    "  made_ms INTEGER NOT NULL,\n"
    "  undone INTEGER NOT NULL DEFAULT 0\n"
    ")",
    "CREATE INDEX example_journal_step ON example_journal (content, journal, step)",
};

static const char *const version_5[] = {
    "CREATE TABLE human_level (\n"
    "  -- the error of people, or the least there can be (Bayes), on some data\n"
    "  content TEXT PRIMARY KEY,  -- as dataset.content\n"
    "  error REAL NOT NULL  -- a share\n"
    ") WITHOUT ROWID",
};

static const char *const version_6[] = {
    "CREATE TABLE lesson_place (\n"
    "  -- where a learner is in each chapter of the course\n"
    "  chapter INTEGER PRIMARY KEY,\n"
    "  mode TEXT NOT NULL,  -- read step lab check\n"
    "  section INTEGER NOT NULL,  -- of the page, from 0\n"
    "  step INTEGER NOT NULL,  -- of the worked example, from 0\n"
    "  item INTEGER NOT NULL,  -- which lab or check, from 0\n"
    "  done INTEGER NOT NULL,  -- 1: finished, or tested out of\n"
    "  saved_ms INTEGER NOT NULL\n"
    ")",

    "CREATE TABLE lesson_item (\n"
    "  -- what came of each guess, step, lab, claim and check the last time\n"
    "  chapter INTEGER NOT NULL,\n"
    "  kind TEXT NOT NULL,  -- step guess lab claim check\n"
    "  id TEXT NOT NULL,\n"
    "  outcome TEXT NOT NULL,  -- seen guessed right nearly foreseen wrong skipped holds fails\n"
    "  answer TEXT NOT NULL,  -- as typed\n"
    "  hints INTEGER NOT NULL,  -- most that were shown\n"
    "  times INTEGER NOT NULL DEFAULT 1,\n"
    "  passed INTEGER NOT NULL,  -- 1: right, nearly right, or held, at any time\n"
    "  run INTEGER REFERENCES run(id) ON DELETE SET NULL,  -- of a lab\n"
    "  saved_ms INTEGER NOT NULL,\n"
    "  PRIMARY KEY (chapter, kind, id)\n"
    ") WITHOUT ROWID",
};

static const char *const version_7[] = {
    "ALTER TABLE evaluation ADD COLUMN predicted BLOB "
    "/* of dev: one byte an example, the answer; NULL: more than 256 classes, or recorded before "
    "*/",
};

/* The rows of one machine are known again in the store of another by these. Rows that were there
 * before get what no two of them share and every copy of the file agrees on. */
static const char *const version_8[] = {
    "ALTER TABLE run ADD COLUMN uuid TEXT NOT NULL DEFAULT '' "
    "/* the same in every copy of the run: gradus merge knows it by this */",
    "ALTER TABLE study ADD COLUMN uuid TEXT NOT NULL DEFAULT '' /* as run.uuid */",
    "ALTER TABLE trial ADD COLUMN uuid TEXT NOT NULL DEFAULT '' /* as run.uuid */",
    "UPDATE run SET uuid = coalesce((SELECT host || '/' || pid || '/' || started_ms FROM segment "
    "WHERE segment.run = run.id AND number = 1), host) || '/' || id",
    "UPDATE study SET uuid = created_ms || '/' || seed || '/' || id",
    "UPDATE trial SET uuid = (SELECT uuid FROM study WHERE study.id = trial.study) || '/' || "
    "number",
    "CREATE UNIQUE INDEX run_uuid ON run (uuid) WHERE uuid != ''",
    "CREATE UNIQUE INDEX study_uuid ON study (uuid) WHERE uuid != ''",
    "CREATE UNIQUE INDEX trial_uuid ON trial (uuid) WHERE uuid != ''",
    "CREATE TRIGGER run_gets_uuid AFTER INSERT ON run WHEN NEW.uuid = '' BEGIN UPDATE run SET uuid "
    "= lower(hex(randomblob(16))) WHERE id = NEW.id; END",
    "CREATE TRIGGER study_gets_uuid AFTER INSERT ON study WHEN NEW.uuid = '' BEGIN UPDATE study "
    "SET uuid = lower(hex(randomblob(16))) WHERE id = NEW.id; END",
    "CREATE TRIGGER trial_gets_uuid AFTER INSERT ON trial WHEN NEW.uuid = '' BEGIN UPDATE trial "
    "SET uuid = lower(hex(randomblob(16))) WHERE id = NEW.id; END",
};

const schema_step *schema_steps(int *count)
{
    static const schema_step steps[] = {
        {version_1, sizeof version_1 / sizeof version_1[0]},
        {version_2, sizeof version_2 / sizeof version_2[0]},
        {version_3, sizeof version_3 / sizeof version_3[0]},
        {version_4, sizeof version_4 / sizeof version_4[0]},
        {version_5, sizeof version_5 / sizeof version_5[0]},
        {version_6, sizeof version_6 / sizeof version_6[0]},
        {version_7, sizeof version_7 / sizeof version_7[0]},
        {version_8, sizeof version_8 / sizeof version_8[0]},
    };
    *count = sizeof steps / sizeof steps[0];
    return steps;
}

/* With the write lock held. */
static nn_status climb(database *db, const schema_step *steps, int count, nn_error *error)
{
    int64_t version = 0;
    nn_status status = database_number(db, "PRAGMA user_version", &version, error);
    if (status != NN_OK || version >= count)
        return status;
    for (int64_t v = version; v < count; v++)
        for (int i = 0; i < steps[v].count; i++)
            if ((status = database_run(db, steps[v].statements[i], error)) != NN_OK)
                return status;
    char text[96];
    snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             DATABASE_APPLICATION, count);
    return database_run(db, text, error);
}

nn_status schema_migrate(database *db, const schema_step *steps, int count, nn_error *error)
{
    int64_t version = 0;
    nn_status status = database_number(db, "PRAGMA user_version", &version, error);
    if (status != NN_OK || version >= count)
        return status;
    if ((status = database_begin(db, true, error)) != NN_OK)
        return status;
    if ((status = climb(db, steps, count, error)) == NN_OK)
        status = database_commit(db, error);
    if (status != NN_OK)
        database_rollback(db);
    return status;
}
