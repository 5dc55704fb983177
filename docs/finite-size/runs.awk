# runs.awk — what training sets do at a given signal, as ratios to what the online ODE says there: the points in the
# figures of docs/finite-size.md.
#   awk -f runs.awk -v train=P WAY POINTS
# WAY: lines of `boxes` (signal, time, noise, fraction unfitted, x); POINTS: `chiton export --points` of runs at T = 1.
# A line is a bin of x: x, then U, g, h and H, each with its standard error, and the number of trainings that end in it.
# Between two points of a trajectory ln t is linear in ln s. In a bin g is the time that the ODE takes over the time that
# the runs take; H is the number of ends over that time; U and h are means over the points that lie in it.

# The value of a column of the way at the signal exp(ls), by linear interpolation of logarithms.
function at(column, ls,    low, high, middle) {
    low = 1; high = count
    while (high - low > 1) { middle = int((low + high) / 2); if (signal[middle] <= ls) low = middle; else high = middle }
    return way[column, low] + (way[column, high] - way[column, low]) * (ls - signal[low]) / (signal[high] - signal[low])
}
function bin_of(lx) { return int((lx - LOWEST) / WIDTH) }
# Adds a run's sums to those of all runs; squares are for standard errors.
function close_run(    k) {
    for (k in spent) {
        time[k] += spent[k]; online[k] += passed[k]; runs[k]++
        tt[k] += spent[k] ^ 2; to[k] += spent[k] * passed[k]; oo[k] += passed[k] ^ 2
    }
    for (k in looks) {
        num[k] += looks[k]; u[k] += u1[k]; h[k] += h1[k]
        nn[k] += looks[k] ^ 2; nu[k] += looks[k] * u1[k]; uu[k] += u1[k] ^ 2; nh[k] += looks[k] * h1[k]; hh[k] += h1[k] ^ 2
    }
    delete spent; delete passed; delete looks; delete u1; delete h1
}
# Standard error of the ratio of two sums over runs, of which the squares and products are known.
function error_of(ratio, square, product, below2, below) {
    square = square - 2 * ratio * product + ratio ^ 2 * below2
    return square > 0 ? sqrt(square) / below : 0
}
# Adds the stretch from one point to the next, cut at the borders of bins.
function add_stretch(    lx, ls, lt, k, border, share, next_s, next_t) {
    ls = last_s; lt = last_t
    while (1) {
        lx = at(5, ls); k = bin_of(lx - 1e-9); border = LOWEST + k * WIDTH
        if (at(5, now_s) >= border - 1e-9 || now_s <= ls) { next_s = now_s; next_t = now_t }
        else {
            share = (lx - border) / (lx - at(5, now_s))
            next_s = ls + share * (now_s - ls); next_t = lt + share * (now_t - lt)
        }
        spent[k] += exp(next_t) - exp(lt); passed[k] += exp(at(2, next_s)) - exp(at(2, ls))
        if (next_s == now_s) return
        ls = next_s; lt = next_t
    }
}
BEGIN { FS = "[ ,]"; WIDTH = 0.14; LOWEST = -6 }
/^#/ { next }
FNR == NR { count++; signal[count] = log($1); for (i = 2; i <= 5; i++) way[i, count] = log($i); next }
FNR == 1 { for (i = 1; i <= NF; i++) name[$i] = i; next }
$name["signal"] <= 0 { next }
{
    now_s = log($name["signal"]); now_t = log($name["time"])
    if ($name["run"] != run) { close_run(); run = $name["run"] }
    else if (now_s >= signal[1] && last_s >= signal[1] && now_s <= signal[count]) add_stretch()
    if (now_s >= signal[1] && now_s <= signal[count]) {
        k = bin_of(at(5, now_s))
        if ($name["unfitted"] == 0) ends[k]++
        else {
            looks[k]++
            u1[k] += $name["unfitted"] / train / exp(at(4, now_s)); h1[k] += $name["noise"] / exp(at(3, now_s))
        }
    }
    last_s = now_s; last_t = now_t
}
END {
    close_run()
    for (k = 0; k < 100; k++) {
        if (runs[k] < 3 || num[k] < 6) continue
        mean_u = u[k] / num[k]; g = online[k] / time[k]; mean_h = h[k] / num[k]; rate = train / time[k]
        printf "%.4g %.4g %.2g %.4g %.2g %.4g %.2g %.4g %.2g %d\n", exp(LOWEST + (k + 0.5) * WIDTH),
            mean_u, error_of(mean_u, uu[k], nu[k], nn[k], num[k]), g, error_of(g, oo[k], to[k], tt[k], time[k]),
            mean_h, error_of(mean_h, hh[k], nh[k], nn[k], num[k]), ends[k] * rate, sqrt(ends[k]) * rate, ends[k]
    }
}
