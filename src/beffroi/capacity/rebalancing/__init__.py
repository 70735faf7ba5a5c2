"""Moving a few workloads to balance hosts: the Google/ROADEF/EURO 2012 reassignment problem."""
