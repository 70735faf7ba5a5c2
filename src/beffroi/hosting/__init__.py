"""Applications hosted for real: releases, deployments, sandboxes, secrets, jobs."""
