# ratios.gp — draws U, g, h and H over x: boxes, and training sets at the same signal.
#   gnuplot -e "folder = '…'; output = '….svg'" ratios.gp
# The folder has boxes-CHI-TRAIN.txt (of boxes.c) and runs-CHI-TRAIN.txt (of runs.awk).
set encoding utf8
if (output[strlen(output) - 2:] eq "png") {
    set terminal pngcairo enhanced size 1402,1100 font 'DejaVu Sans,7' fontscale 2.78 linewidth 2
    point = 1.25
} else {
    set terminal svg enhanced size 673,528 font 'DejaVu Sans,Verdana,sans-serif,7' fontscale 1.333 linewidth 0.8 background '#ffffff'
    point = 0.55
}
set output output
boxes(chi, train) = sprintf("%s/boxes-%d-%d.txt", folder, chi, train)
runs(chi, train) = sprintf("%s/runs-%d-%d.txt", folder, chi, train)
array colour[2] = ["#3b528b", "#28ae80"]
set border 3 linewidth 0.7
set tics nomirror out scale 0.5
set format y '%.1f'
set logscale x
set xrange [0.1:12]
set key samplen 1.5 spacing 1.1 font ',6.5'
set multiplot
first = 6 # the column of boxes of the mean; after it come both quantiles
# the runs' columns are 2, 4, 6, 8, each followed by its error
do for [panel = 0:3] {
    set lmargin at screen 0.09 + 0.5 * (panel % 2)
    set rmargin at screen 0.48 + 0.5 * (panel % 2)
    set tmargin at screen panel < 2 ? 0.96 : 0.47
    set bmargin at screen panel < 2 ? 0.59 : 0.10
    set xlabel 'x = n P/d'
    if (panel == 0) { set ylabel 'U, unfitted samples'; set yrange [0:1.1]; set key bottom right; set label 1 '(a)' at graph 0.03, 0.95 font ',8' }
    if (panel == 1) { set ylabel 'g, growth of s'; set key off; set label 1 '(b)' }
    if (panel == 2) { set ylabel 'h, noise'; set yrange [0.9:1.8]; set label 1 '(c)' at graph 0.92, 0.95 }
    if (panel == 3) { set ylabel 'H, rate of ending'; set logscale y; set yrange [1e-5:1]; set xrange [0.1:1]; set format y '10^{%T}'; set label 1 '(d)' }
    mean = first + 1 + 3 * panel
    plot for [chi = 0:1] boxes(chi, 4096) every 3 using ($5 < 14 ? $5 : NaN):(column(mean + 1)):(column(mean + 2)) with filledcurves fillcolor rgb colour[chi + 1] fillstyle transparent solid 0.15 noborder notitle, \
        for [chi = 0:1] boxes(chi, 4096) every 2 using ($5 < 14 ? $5 : NaN):(column(mean)) with lines linewidth 1.3 linecolor rgb colour[chi + 1] title sprintf('boxes, χ = %d', chi), \
        for [chi = 0:1] boxes(chi, 16384) every 2 using ($5 < 14 ? $5 : NaN):(column(mean)) with lines linewidth 1 dashtype '-' linecolor rgb colour[chi + 1] notitle, \
        for [chi = 0:1] runs(chi, 4096) using ($1 < 12 ? $1 : NaN):(column(2 + 2 * panel) > 0 ? column(2 + 2 * panel) : NaN):(column(3 + 2 * panel)) with yerrorbars linewidth 0.7 pointtype 6 pointsize point linecolor rgb colour[chi + 1] title sprintf('sets, χ = %d, P = 2^{12}', chi), \
        for [chi = 0:1] runs(chi, 16384) using ($1 < 12 ? $1 : NaN):(column(2 + 2 * panel) > 0 ? column(2 + 2 * panel) : NaN):(column(3 + 2 * panel)) with yerrorbars linewidth 0.7 pointtype 4 pointsize point linecolor rgb colour[chi + 1] title sprintf('sets, χ = %d, P = 2^{14}', chi)
}
unset multiplot
