### 时间、数字与常用词。

product = Karez
list-between = 、

date-long = { $year }年{ $month }月{ $day }日
date-day = { $month }月{ $day }日
date-day-year = { $year }年{ $month }月{ $day }日
date-month = { $year }年{ $month }月
date-and-time = { $date } { $time }
date-today = { $month }月{ $day }日 { $weekday } { $time }
time-both = { $own }（{ $party } { $theirs }）
time-just-now = 刚刚
time-ago = { $span }前

span-min = { $n } 分钟
span-h-min = { $h } 小时 { $m } 分钟
span-h = { $n } 小时
span-d = { $n } 天

age-days = { $n }天
age-months = { $n }个月
age-years = { $n }岁
age-years-about = 约{ $n }岁

month-1 = 1
month-2 = 2
month-3 = 3
month-4 = 4
month-5 = 5
month-6 = 6
month-7 = 7
month-8 = 8
month-9 = 9
month-10 = 10
month-11 = 11
month-12 = 12

month-short-1 = 1
month-short-2 = 2
month-short-3 = 3
month-short-4 = 4
month-short-5 = 5
month-short-6 = 6
month-short-7 = 7
month-short-8 = 8
month-short-9 = 9
month-short-10 = 10
month-short-11 = 11
month-short-12 = 12

weekday-1 = 星期一
weekday-2 = 星期二
weekday-3 = 星期三
weekday-4 = 星期四
weekday-5 = 星期五
weekday-6 = 星期六
weekday-7 = 星期日
