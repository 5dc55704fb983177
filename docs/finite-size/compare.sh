#!/bin/sh
# Prints the tables of docs/finite-size.md: what theory expects of finite training sets against the runs of a store.
#   usage: sh docs/finite-size/compare.sh CHITON STORE...
# Points (chi, d, P) that are in several stores are taken from the first. All runs are at T = 1 and B = 2. Where a budget ended a run the point is left out, for its means are biased.
set -eu
chiton=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for store; do
    "$chiton" export "$store" --csv
    echo # a new header follows
done | awk -F, '
    /^id,/ { file++; for (i = 1; i <= NF; i++) at[$i] = i; if (file == 1) print; next }
    NF > 1 { k = $at["chi"] " " $at["dim"] " " $at["train"]; if (!(k in first)) first[k] = file; if (first[k] == file) print }' >"$folder/runs.csv"
# for each chi and d the P that there are
awk -F, 'FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    !seen[$at["chi"], $at["dim"], $at["train"]]++ { k = $at["chi"] " " $at["dim"]; list[k] = list[k] (list[k] != "" ? "," : "") $at["train"] }
    END { for (k in list) print k, list[k] }' "$folder/runs.csv" | sort -n -k1 -k2 >"$folder/points"
while read -r chi dim trains; do
    # a single P would give the way there, so that one at which nothing is expected goes with it
    "$chiton" theory --chi="$chi" --dim "$dim" --train "2,$trains" --temp 1 --batch 2 --csv 2>/dev/null |
        sed "1d; s/^/$chi,$dim,/" || true
done <"$folder/points" >"$folder/expected"

awk -F, '
    # Measured: sums of logarithms over data sets. Columns of `expected`: chi, dim, train, temp, then value and spread of
    # lambda (5), signal, noise (9), weight change (11), time (13).
    FILENAME ~ /expected$/ {
        if ($5 != "") {
            k = $1 " " $2 " " $3; known[k] = 1
            log_of[k, "dw"] = log($11); log_of[k, "lambda"] = log($5); log_of[k, "t"] = log($13)
            spread_of[k, "dw"] = $12; spread_of[k, "lambda"] = $6; spread_of[k, "t"] = $14
        }
        next
    }
    FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    {
        k = $at["chi"] " " $at["dim"] " " $at["train"]; pair = $at["chi"] " " $at["dim"]
        if (!(k in total)) { trains[pair] = trains[pair] " " $at["train"] }
        total[k]++
        if ($at["status"] != "fitted") { cut[k]++; next }
        value["dw"] = log($at["weight_change"]); value["lambda"] = log($at["signal"] / $at["noise"]); value["t"] = log($at["time"])
        for (q in value) { sum[k, q] += value[q]; square[k, q] += value[q] ^ 2; one[k, q, $at["seed"]] = value[q] }
        seeds[pair, $at["seed"]] = 1; highest = $at["seed"] > highest ? $at["seed"] : highest
    }
    function number(v, digits,    text) { text = sprintf("%+." digits "f", v); sub(/-/, "−", text); return text }
    function plain(v) { v = v ""; sub(/-/, "−", v); return v }
    function cell(k, q,    n, mean, sd) {
        if (!(k in total) || cut[k] > 0) return "| "
        if (!(k in known)) return "| none "
        n = total[k]; mean = sum[k, q] / n; sd = sqrt((square[k, q] / n - mean ^ 2) * n / (n - 1))
        return sprintf("| %s (%.1f) ", number(100 * (log_of[k, q] - mean), 1), 100 * sd / sqrt(n))
    }
    function gather(k, q,    n, mean, difference) {
        n = total[k]; mean = sum[k, q] / n; difference = log_of[k, q] - mean; difference = difference < 0 ? -difference : difference
        size[q, ++count[q]] = 100 * difference
        error[q, count[q]] = 100 * sqrt((square[k, q] / n - mean ^ 2) / (n - 1))
    }
    function median_of(list, q, n,    i, j, v, sorted) {
        for (i = 1; i <= n; i++) { v = list[q, i]; for (j = i - 1; j >= 1 && sorted[j] > v; j--) sorted[j + 1] = sorted[j]; sorted[j + 1] = v }
        largest = sorted[n]
        return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
    }
    # Slopes over the five P from 8 d to 128 d: that of every data set, and the expected one.
    function slopes(pair, dim, q,    i, s, x, y, n, sx, sxx, sy, sxy, k, whole, slope, m, mm) {
        m = mm = n_sets = 0
        for (s = -1; s <= highest; s++) {
            sx = sxx = sy = sxy = 0; whole = 1
            for (i = 0; i < 5; i++) {
                k = pair " " dim * 8 * 2 ^ i; x = i * log(2)
                if (s < 0) { if (!(k in known)) return 0; y = log_of[k, q] }
                else if ((k, q, s) in one) y = one[k, q, s]
                else { whole = 0; break }
                sx += x; sxx += x * x; sy += y; sxy += x * y
            }
            if (!whole) continue
            slope = (sxy - sx * sy / 5) / (sxx - sx * sx / 5)
            if (s < 0) expected = slope; else { m += slope; mm += slope ^ 2; n_sets++ }
        }
        if (n_sets < 3) return 0
        measured = m / n_sets; slope_error = sqrt((mm / n_sets - measured ^ 2) / (n_sets - 1))
        return 1
    }
    function summary(name, from_chi, to_chi, from_dim, to_dim, least,    k, part, q, text) {
        split("", count); split("", size); split("", error)
        for (k in known) {
            split(k, part, " ")
            if (!(k in total) || cut[k] > 0 || part[1] < from_chi || part[1] > to_chi || part[2] < from_dim || part[2] > to_dim || part[3] < least) continue
            for (i = 1; i <= 3; i++) gather(k, order[i])
        }
        text = sprintf("| %s | %d ", name, count["dw"])
        for (i = 1; i <= 3; i++) {
            q = order[i]; middle = median_of(size, q, count[q]); top = largest
            text = text sprintf("| %.1f, %.1f (%.1f) ", middle, top, median_of(error, q, count[q]))
        }
        print text "|"
    }
    END {
        split("dw lambda t", order, " ")
        split("-0.5 -0.3 0 0.5 1 2 3", chis, " "); split("16 24 32 64 100 128 200 256", dims, " ")
        for (j = 1; j <= 3; j++) {
            print "\n" order[j] "\n| χ | $d$ | data sets | $P/d$ = 8 | 16 | 32 | 64 | 128 | more |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
            for (a = 1; a <= 7; a++) for (b = 1; b <= 8; b++) {
                pair = chis[a] " " dims[b]
                if (!(pair in trains)) continue
                number_of = split(trains[pair], list, " "); least = most = 0; more = ""
                for (i = 1; i <= number_of; i++) {
                    k = pair " " list[i]
                    if (cut[k] > 0) continue
                    v = total[k]; least = least == 0 || v < least ? v : least; most = v > most ? v : most
                    ratio = list[i] / dims[b]
                    if (ratio > 128 || ratio != int(ratio) || ratio % 8 || (ratio / 8) ~ /^(3|5|6|7|9|10|11|12|13|14|15)$/) {
                        value_there = cell(k, order[j]); sub(/^[|] /, "", value_there)
                        more = more (more != "" ? "; " : "") value_there "at " sprintf("%.4g", ratio)
                    }
                }
                if (least == 0) continue
                text = "| " plain(chis[a]) " | " dims[b] " | " least (most > least ? "–" most : "") " "
                for (i = 0; i < 5; i++) text = text cell(pair " " dims[b] * 8 * 2 ^ i, order[j])
                print text "| " more " |"
            }
        }
        print "\nexponents\n| χ | $d$ | data sets | γ expected | measured | difference | $b$ expected | measured | difference |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
        for (a = 1; a <= 7; a++) for (b = 1; b <= 8; b++) {
            pair = chis[a] " " dims[b]
            if (!(pair in trains) || !slopes(pair, dims[b], "dw")) continue
            text = sprintf("| %s | %d | %d | %.3f | %.3f ± %.3f | %s ", plain(chis[a]), dims[b], n_sets, expected, measured, slope_error, number(expected - measured, 3))
            slopes(pair, dims[b], "t")
            print text sprintf("| %.3f | %.3f ± %.3f | %s |", expected, measured, slope_error, number(expected - measured, 3))
        }
        print "\nsummary\n| points | number | ‖Δw‖ | λ* | t* |\n| --- | --- | --- | --- | --- |"
        summary("all", -1, 9, 0, 999, 0); summary("χ < 0", -1, -0.01, 0, 999, 0); summary("χ ≥ 0", 0, 9, 0, 999, 0)
        summary("χ ≥ 0, $d$ ≥ 32", 0, 9, 32, 999, 0); summary("χ ≥ −0.3, 24 ≤ $d$ ≤ 200, $P$ ≥ 700", -0.3, 9, 24, 200, 700)
        for (k in known) if ((k in total) && !cut[k]) {
            n = total[k]; split(k, part, " ")
            if (part[1] < 0) continue
            for (i = 1; i <= 3; i++) { q = order[i]; size[q "s", ++spreads[q]] = spread_of[k, q] / sqrt((square[k, q] / n - (sum[k, q] / n) ^ 2) * n / (n - 1)) }
        }
        for (i = 1; i <= 3; i++) { q = order[i]; m = median_of(size, q "s", spreads[q]); printf "spread of %s at χ ≥ 0, expected over measured: median %.2f, largest %.2f\n", q, m, largest }
    }' "$folder/expected" "$folder/runs.csv"
