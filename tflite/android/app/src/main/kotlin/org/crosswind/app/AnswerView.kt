package org.crosswind.app

import android.app.Activity
import android.content.res.ColorStateList
import android.view.View
import android.view.ViewGroup
import android.widget.ProgressBar
import android.widget.TextView
import java.text.NumberFormat
import kotlin.math.roundToInt
import org.crosswind.app.model.Interval
import org.crosswind.app.model.ModelCard
import org.crosswind.app.model.Task
import org.crosswind.app.model.Verdict
import org.crosswind.app.model.figure

private const val CLASSES = 3 // that are shown

/** The answer below the form, as the card's task and words have it. */
class AnswerView(private val activity: Activity, private val card: ModelCard) {
    /** All of it. */
    val view: View = activity.findViewById(R.id.result)
    private val headline: TextView = activity.findViewById(R.id.verdict)
    private val chance: TextView = activity.findViewById(R.id.chance)
    private val classes: ViewGroup = activity.findViewById(R.id.classes)
    private val percent = NumberFormat.getPercentInstance()

    fun hide() {
        view.visibility = View.GONE
    }

    /** Shows what the model answered. */
    fun show(answer: FloatArray) {
        view.visibility = View.VISIBLE
        val color = when (val task = card.task) {
            is Task.Binary -> probability(answer.single(), task)
            is Task.Multiclass -> likeliest(task.likeliest(answer, CLASSES))
            is Task.Regression -> number(answer.single(), task.interval)
        }
        view.backgroundTintList = ColorStateList.valueOf(activity.getColor(color))
    }

    private fun probability(probability: Float, task: Task.Binary): Int {
        val verdict = Verdict.of(probability, task)
        val (chanceOfYes, average) = listOf(probability, task.baseRate).map(percent::format)
        headline.text = verdict.words(card)
        chance.visibility = View.VISIBLE
        chance.text = activity.getString(R.string.chance, chanceOfYes, card.words.event, average)
        return when (verdict) {
            Verdict.BELOW_AVERAGE -> R.color.below_average
            Verdict.ABOVE_AVERAGE -> R.color.above_average
            Verdict.YES -> R.color.yes
        }
    }

    private fun likeliest(found: List<Pair<String, Float>>): Int {
        headline.text = activity.getString(R.string.answer, card.words.answer, found.first().first)
        classes.removeAllViews()
        for ((name, probability) in found) {
            val row = activity.layoutInflater.inflate(R.layout.class_bar, classes, false)
            row.findViewById<TextView>(R.id.name).text = name
            row.findViewById<TextView>(R.id.percent).text = percent.format(probability)
            row.findViewById<ProgressBar>(R.id.bar).run { progress = (probability * max).roundToInt() }
            classes.addView(row)
        }
        return R.color.answer
    }

    private fun number(number: Float, interval: Interval?): Int {
        headline.text = activity.getString(R.string.answer, card.words.answer, withUnit(number))
        if (interval != null) {
            val (low, high) = interval.around(number)
            chance.visibility = View.VISIBLE
            chance.text = activity.getString(R.string.interval, percent.format(interval.share), figure(low), withUnit(high))
        }
        return R.color.answer
    }

    private fun withUnit(number: Float): String = "${figure(number)} ${card.words.unit}".trim()
}
