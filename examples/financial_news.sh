#!/bin/sh
# Financial news, from labelled sentences to a model that answers: profile, study, drift, predictions.
#
#   examples/financial_news.sh all.csv [RUN]
#
# all.csv: Financial PhraseBank (Malo and others 2014) with the columns text and label. It takes some minutes;
# VECTORS, BUDGET and REPEATS may be set in the environment.
set -eu

data=${1:?"usage: $0 all.csv [RUN]"}
run=${2:-financial-news}
vectors=${VECTORS:-glove-6b-50d}

meltpoint profile "$data" --vectors "$vectors"

meltpoint study "$data" --vectors "$vectors" --policy fine-tuned,scaled --size 1000,3876 \
    --repeats "${REPEATS:-5}" --budget "${BUDGET:-6m}" --out "$run"

meltpoint drift "$run"
meltpoint drift "$run/model" --word profit --word rose --word fell --word lay-offs

meltpoint predict "$run/model" - <<'TEXTS'
Operating profit rose to EUR 13.1 mn from EUR 8.7 mn in the corresponding period.
The company will lay off 120 people at its factory in Tampere.
The annual general meeting will be held in Helsinki on 4 April.
Sales fell, but less than analysts had feared.
TEXTS
