/* obstacle.h — why a file cannot be made: what is wrong with the folder that is to hold it. */
#ifndef CH_OBSTACLE_H
#define CH_OBSTACLE_H

/** What is wrong with a folder, for a message, e.g. "the folder runs does not exist". It is empty when nothing is. */
typedef struct {
    char text[640];
} ch_obstacle;

/** Looks at the folder that holds `path`, a file or folder that need not exist: the folder must exist, be a folder, and
 *  let this process make files in it. Nothing is made.
 *  @param path  slashes at its end do not count; a name without a folder is in the current folder */
ch_obstacle ch_find_obstacle(const char *path);

#endif
