"""One HTML page from any set of runs.

find        folders -> run folders
files, read a run folder -> a run, or what is wrong with which file
score       runs that left no outcome -> their test clips scored
series      runs -> what is compared: recipe, method, anomalies; the figures of each run
summary     models by machines, mean over seeds
styles      names, colours and dashes that tell series apart
embedding   embeddings in two dimensions
plots       ROC curves, losses, embeddings as SVG
machine     what the page shows of one machine
write       all of it -> HTML
"""
