#!/bin/sh
# Legal question answering, from labelled candidate sentences to a model that answers: study, drift, answers.
#
#   examples/legal_question_answering.sh train.csv test.csv [RUN]
#
# Both files: columns question, answer (a sentence of a privacy policy), label (1: it answers), qid (the question's).
# It takes some minutes; VECTORS, ARCHITECTURE, BUDGET and REPEATS may be set in the environment.
set -eu

train=${1:?"usage: $0 train.csv test.csv [RUN]"}
test=${2:?"usage: $0 train.csv test.csv [RUN]"}
run=${3:-legal-questions}
vectors=${VECTORS:-glove-6b-50d}

meltpoint study "$train" --test "$test" --task rank --text question --second-text answer --label label --group qid \
    --vectors "$vectors" --architecture "${ARCHITECTURE:-average+attention}" --policy fine-tuned --size 200,800 --repeats "${REPEATS:-3}" --budget "${BUDGET:-6m}" --out "$run"

meltpoint drift "$run"

meltpoint predict "$run/model" - <<'QUESTIONS'
{"question": "Do you sell my data?", "answers": ["We use cookies to remember you.", "We never sell or rent your personal information to third parties.", "You can contact us by mail."]}
QUESTIONS
