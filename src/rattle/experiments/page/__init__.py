"""One HTML page from any set of runs.

find      folders -> run folders
read      a run folder -> a run, or what is wrong with which file
score     runs that left no outcome -> their test clips scored
series    runs -> models that are compared: recipe, method, anomalies; their figures
summary   models x machines, mean over seeds
plots     ROC curves, losses, embeddings as SVG
machine   what the page shows of one machine
page      all of it -> HTML
"""
