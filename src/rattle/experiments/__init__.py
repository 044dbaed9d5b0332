"""The paper's experiments as one grid of independent tasks.

plan      what to train and adapt: tasks, each of which makes one model and scores it
grid      runs tasks in processes of this machine or on a Ray cluster, resumes, reports
outcome   what a task leaves: every test clip's windows, from which all figures come
table1, table2, figure2   from outcomes to tables and a figure
page      one HTML page of any set of runs
"""
