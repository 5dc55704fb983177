/* job.h — what a job of the batch system Slurm may use of the machine it runs on.
 *
 * Slurm tells a job its limits in environment variables. Many clusters also enforce them, by the affinity of processes
 * and by control groups (core/available.h); on others only the variables say which part of the machine belongs to the
 * job. Outside of a job, where SLURM_JOB_ID is not set, there are no such limits. A variable that is no number counts
 * as not set. */
#ifndef CH_JOB_H
#define CH_JOB_H

#include <stddef.h>

/** Processors for this process: SLURM_CPUS_PER_TASK; where it is not set, the job's processors on this machine
 *  (SLURM_CPUS_ON_NODE) divided by its processes there, at least 1.
 *  @return SIZE_MAX where there is no limit */
size_t ch_job_processors(void);

/** Bytes of memory for this process: those of the job on this machine divided by its processes there. The job has
 *  SLURM_MEM_PER_NODE, or SLURM_MEM_PER_CPU for each of SLURM_CPUS_ON_NODE, in units of 2^20 bytes.
 *  @return SIZE_MAX where there is no limit */
size_t ch_job_memory(void);

#endif
